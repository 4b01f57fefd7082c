package activities_test

import (
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
)

// Of a hundred reads one always fails where Graph fails now and then.
func TestOneReadOfManyThatFailsIsMadeAgainInTheSameAttempt(t *testing.T) {
	t.Parallel()
	s, request, _ := withChannels(t)
	for _, fault := range []graphsim.Fault{{Status: 503}, {Status: 429, RetryAfter: "1"}, {Reset: true}, {Cut: true}, {Status: 502, HTML: true}} {
		fault.Path = "/channels"
		s.Fail(fault)
	}
	assert.Len(t, leavingChannels.lists(t, s, request).Items, 2)
}

func TestAReadThatGraphWantsMadeMuchLaterIsLeftToTemporal(t *testing.T) {
	t.Parallel()
	s, request, _ := withChannels(t)
	s.Fail(graphsim.Fault{Path: "/channels", Times: -1, Status: 429, RetryAfter: "60"})
	_, err := call[leaver.StepResult](t, s, 1, leavingChannels.list, request)
	waiting(t, s, err, leaver.GraphThrottled)
	s.Heal()
	s.Fail(graphsim.Fault{Path: "/channels", Times: -1, Status: 403, Code: "Forbidden"})
	_, err = call[leaver.StepResult](t, s, 1, leavingChannels.list, request)
	final(t, s, err, leaver.GraphForbidden)
	asked := 0
	for _, r := range s.Requests() {
		if r.Status == 429 || r.Status == 403 {
			asked++
		}
	}
	assert.Equal(t, 2, asked)
}
