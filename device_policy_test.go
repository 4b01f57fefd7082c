package leaver_test

import (
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAPolicyDecidesByOwnerAndOperatingSystem(t *testing.T) {
	t.Parallel()
	policy := leaver.DevicePolicy{
		Company:  leaver.DeviceActions{Default: leaver.DeleteRecord, Windows: leaver.Wipe, IOS: leaver.Retire, Android: leaver.Wipe},
		Personal: leaver.DeviceActions{Windows: leaver.Keep, Linux: leaver.DeleteRecord, ChromeOS: leaver.Wipe, MacOS: leaver.Keep},
	}
	for _, c := range []struct {
		owner, system string
		want          leaver.DeviceAction
	}{
		{"company", "Windows", leaver.Wipe},
		{"company", "iOS", leaver.Retire},
		{"company", "iPadOS", leaver.Retire},
		{"company", "AndroidForWork", leaver.Wipe},
		{"company", "macOS", leaver.DeleteRecord},
		{"company", "", leaver.DeleteRecord},
		{"personal", "Windows", leaver.Keep},
		{"personal", "Mac OS X", leaver.Keep},
		{"personal", "Chrome OS", leaver.Wipe},
		{"personal", "Linux (Ubuntu)", leaver.DeleteRecord},
		{"personal", "iOS", leaver.Retire},
		{"unknown", "Windows", leaver.Keep},
		{"", "Android", leaver.Retire},
	} {
		assert.Equal(t, c.want, policy.For(c.owner, c.system), "%s %s", c.owner, c.system)
	}
	assert.Equal(t, leaver.Retire, leaver.DevicePolicy{}.For("company", "Windows"))
}

func TestOnlyAPolicyWithoutExceptionsRetiresAll(t *testing.T) {
	t.Parallel()
	assert.True(t, leaver.DevicePolicy{}.RetiresAll())
	assert.True(t, leaver.DevicePolicy{Company: leaver.DeviceActions{Default: leaver.Retire, MacOS: leaver.Retire}}.RetiresAll())
	assert.False(t, leaver.DevicePolicy{Personal: leaver.DeviceActions{ChromeOS: leaver.Keep}}.RetiresAll())
	assert.False(t, leaver.DevicePolicy{Company: leaver.DeviceActions{Default: leaver.Wipe}}.RetiresAll())
}

func TestAWrongPolicyNamesTheField(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]string{
		`{"userId":"1","devices":{"company":{"windows":"explode"}}}`:       "devices.company.windows: want retire, wipe, wipeKeepUserData, deleteRecord or keep",
		`{"userId":"1","devices":{"personal":{"default":"Retire"}}}`:       "devices.personal.default: want retire",
		`{"userId":"1","devices":{"company":{"windos":"wipe"}}}`:           "devices.company.windos: unknown field",
		`{"userId":"1","devices":{"wipeOptions":{"macOsUnlockCode":"1"}}}`: "devices.wipeOptions.macOsUnlockCode: unknown field",
		`{"userId":"1","devices":{"shared":{}}}`:                           "devices.shared: unknown field",
		`{"userId":"1","devices":"wipe"}`:                                  "devices: has the wrong type (string)",
	} {
		_, err := leaver.ParseRequest([]byte(input))
		assert.ErrorContains(t, err, want, input)
	}
	request, err := leaver.ParseRequest([]byte(`{"userId":"1","devices":{"company":{"windows":"wipe"}}}`))
	require.NoError(t, err)
	assert.Equal(t, leaver.Wipe, request.Devices.For("company", "Windows"))
}

func TestAPolicyThatWantsMoreThanRetiringOfAnySystemDoesNotRetireAll(t *testing.T) {
	t.Parallel()
	for _, owner := range []string{"company", "personal"} {
		for _, system := range []string{"default", "windows", "macOS", "iOS", "android", "linux", "chromeOS"} {
			for action, all := range map[string]bool{"retire": true, "wipe": false, "keep": false} {
				var p leaver.DevicePolicy
				require.NoError(t, leaver.ParseStrict([]byte(`{"`+owner+`":{"`+system+`":"`+action+`"}}`), &p))
				assert.Equal(t, all, p.RetiresAll(), "%s %s %s", owner, system, action)
			}
		}
	}
}
