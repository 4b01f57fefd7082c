package leaver_test

import (
	"strings"
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestADecisionIsRead(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 1024)
	for _, c := range []struct {
		action leaver.Action
		input  string
		want   leaver.Decision
	}{
		{leaver.RetryStep, `{"step":"disableAccount"}`, leaver.Decision{Step: "disableAccount"}},
		{leaver.SkipStep, `{"step":"removeAllDevices","by":"it@contoso.com","reason":"kept"}`, leaver.Decision{Step: "removeAllDevices", By: "it@contoso.com", Reason: "kept"}},
		{leaver.Abort, `{"by":"it@contoso.com","reason":"wrong person"}`, leaver.Decision{By: "it@contoso.com", Reason: "wrong person"}},
		{leaver.Answer, `{"step":"removeAllDevices","choice":"giveUp","items":["d1"]}`, leaver.Decision{Step: "removeAllDevices", Choice: leaver.GiveUp, Items: []string{"d1"}}},
		{leaver.Abort, `{"by":"` + long + `","reason":"` + long + `"}`, leaver.Decision{By: long, Reason: long}},
		{leaver.Abort, `{}`, leaver.Decision{}},
		{leaver.Abort, ``, leaver.Decision{}},
		{leaver.Abort, `null`, leaver.Decision{}},
	} {
		decision, err := leaver.ParseDecision(c.action, []byte(c.input))
		require.NoError(t, err, c.input)
		assert.Equal(t, c.want, decision)
	}
}

func TestAWrongDecisionNamesTheField(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		action      leaver.Action
		input, want string
	}{
		{leaver.RetryStep, ``, "step: is missing"},
		{leaver.RetryStep, `null`, "step: is missing"},
		{leaver.RetryStep, `{}`, "step: is missing"},
		{leaver.SkipStep, `{"step":""}`, "step: is missing"},
		{leaver.SkipStep, `{"step":null,"by":"x"}`, "step: is missing"},
		{leaver.Abort, `{"step":"disableAccount"}`, "step: abort ends the whole offboarding and takes none"},
		{leaver.Answer, `{"step":"a"}`, "choice: is missing"},
		{leaver.Answer, `{"choice":"giveUp"}`, "step: is missing"},
		{leaver.Answer, `{"step":"a","choice":"wipe"}`, "items: are missing, and wipe cannot be undone"},
		{leaver.Answer, `{"step":"a","choice":"wipeKeepUserData","items":[]}`, "items: are missing"},
		{leaver.Answer, `{"step":"a","choice":"deleteRecord"}`, "items: are missing"},
		{leaver.ContinueOffboarding, `{"step":"a"}`, "step: continueOffboarding is for the whole offboarding"},
		{leaver.ContinueOffboarding, `{"choice":"giveUp"}`, "choice, items: are for answer, and continueOffboarding takes neither"},
		{leaver.SkipStep, `{"step":"a","choice":"giveUp"}`, "choice, items: are for answer, and skipStep takes neither"},
		{leaver.Abort, `{"items":["a"]}`, "choice, items: are for answer, and abort takes neither"},
		{leaver.RetryStep, `{"step":7}`, "step: has the wrong type (number)"},
		{leaver.RetryStep, `{"Step":"disableAccount"}`, "Step: unknown field"},
		{leaver.RetryStep, `{"step":"a","step":"b"}`, "step: is given twice"},
		{leaver.RetryStep, `{"step":"a","by":{"name":"x"}}`, "by: has the wrong type (object)"},
		{leaver.RetryStep, `{"step":"a"`, "the input is not valid JSON: it ends too early"},
		{leaver.RetryStep, `{"step":"a"}}`, "the input is not valid JSON, at byte"},
		{leaver.RetryStep, `"disableAccount"`, "the input must be one JSON object"},
		{leaver.Abort, `[]`, "the input must be one JSON object"},
		{leaver.Abort, `{"by":"` + strings.Repeat("ä", 1025) + `"}`, "by: is 1025 characters long, want at most 1024"},
		{leaver.SkipStep, `{"step":"a","reason":"` + strings.Repeat("ä", 1025) + `"}`, "reason: is 1025 characters long, want at most 1024"},
	} {
		_, err := leaver.ParseDecision(c.action, []byte(c.input))
		assert.ErrorContains(t, err, c.want, "%s %s", c.action, c.input)
	}
}

func TestAWrongDecisionDoesNotRepeatValues(t *testing.T) {
	t.Parallel()
	for _, input := range []string{
		`{"step":["adele@contoso.com"]}`, `"adele@contoso.com"`, `{"step":"a","by":["adele@contoso.com"]}`, `adele@contoso.com`,
		`{"step":"adele@contoso.com","x":1}`, `{"step":"adele@contoso.com","step":"adele@contoso.com"}`,
	} {
		_, err := leaver.ParseDecision(leaver.SkipStep, []byte(input))
		require.Error(t, err, input)
		assert.NotContains(t, err.Error(), "adele", input)
	}
}
