package devices_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/leaver-dev/leaver/devices"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatIsKnownAlikeOfManyDevicesIsWrittenOnce(t *testing.T) {
	t.Parallel()
	known := devices.AllKnown{
		{ID: "A", State: "managed", OwnerType: "company", AskedAt: monday},
		{ID: "B", State: "managed", OwnerType: "company"},
		{ID: "C", State: "managed", OwnerType: "company", AskedAt: monday},
	}
	text, err := json.Marshal(devices.LookRequest{Known: known})
	require.NoError(t, err)
	assert.Contains(t, string(text), `"ids":["A","C"]`)
	assert.Equal(t, 2, strings.Count(string(text), "managed"))

	var read devices.LookRequest
	require.NoError(t, json.Unmarshal(text, &read))
	assert.ElementsMatch(t, known, read.Known)

	text, err = json.Marshal(devices.LookRequest{UserID: "U"})
	require.NoError(t, err)
	assert.NotContains(t, string(text), "known")
}
