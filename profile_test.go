package leaver_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A request that names a step of a profile to change one thing leaves the others as the profile has them.
func TestARequestChangesOfAProfilesStepWhatItNames(t *testing.T) {
	t.Parallel()
	of := leaver.StepSettings{Include: true, OnFailure: leaver.Continue, Delay: leaver.Duration(time.Hour), Settings: leaver.Settings{HandOverTo: "h", Group: "g",
		Attributes: []string{"a"}, InternalMessage: "i", ExternalMessage: "e", Access: []string{"sendAs"}, Protocols: []string{"pop"}, HoldDays: 365}}
	for value, i := reflect.ValueOf(of.Settings), 0; i < value.NumField(); i++ {
		require.False(t, value.Field(i).IsZero(), "%s is not tested", value.Type().Field(i).Name)
	}
	profile := leaver.Profile{Steps: map[string]leaver.StepSettings{"x": of}}
	for _, own := range []leaver.StepSettings{{}, {OnFailure: leaver.Fail}} {
		want := of
		if own.OnFailure != "" {
			want.OnFailure = own.OnFailure
		}
		assert.Equal(t, want, profile.Apply(leaver.Request{Steps: map[string]leaver.StepSettings{"x": own}}).Steps["x"])
	}
	own := leaver.StepSettings{Include: true, Settings: leaver.Settings{HoldDays: 30, Access: []string{"fullAccess"}}}
	got := profile.Apply(leaver.Request{Steps: map[string]leaver.StepSettings{"x": own}}).Steps["x"]
	assert.Equal(t, 30, got.HoldDays)
	assert.Equal(t, []string{"fullAccess"}, got.Access)
	assert.Equal(t, []string{"pop"}, got.Protocols)
}
