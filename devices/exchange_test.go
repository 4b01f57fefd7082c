package devices_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
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

func TestWhatALookIsToFindOut(t *testing.T) {
	tell(t, stories{
		"what is news of whom": {wantsKeys, sees("A", "B key=onRecord", "C iOS"), finds("needs key", "", ""), after(minute),
			makes("retire B", "retire C"), finds("needs key", "check-in", "check-in"), sees("C iOS checkedIn"), finds("needs key", "check-in", "check-in"),
			after(minute), sees("B key=onRecord retirePending checkedIn"), finds("needs key", "", "check-in")},
		"the codes that may change": {wipesWindows, sees("A", "B", "C"), calls("wipe A", "wipe B", "wipe C"), queued("A c1"),
			queued("B c2"), queued("C c3"), awaits("c1", "c2", "c3"), reads("c1 rejected"), chooses("giveUp", "B"), loses("C"), awaits()},
	})
}

// finds says what a look is to find out about each device.
func finds(want ...string) event {
	return func(s *scene) {
		var found []string
		for _, k := range s.fleet.Known() {
			news := map[bool]string{k.NeedsKey: "needs key", !k.AskedAt.IsZero(): "check-in"}
			found = append(found, news[true])
		}
		assert.Equal(s, want, found)
	}
}

func awaits(codes ...string) event {
	return func(s *scene) { assert.ElementsMatch(s, codes, slices.Collect(maps.Keys(s.fleet.Awaits()))) }
}

// Intune writes the last moment of the year 9999 for never: what is known of such a device can still be told to a look.
func TestADeviceThatChecksInAtTheEndOfTimeIsKnownToALook(t *testing.T) {
	t.Parallel()
	f := &devices.Fleet{Deadline: leaver.Duration(time.Hour)}
	now := time.Now()
	f.Saw(devices.Sight{Listed: []devices.Seen{{ID: "a", DeviceFacts: leaver.DeviceFacts{ManagementState: "managed", LastSyncDateTime: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}}}}, now)
	writes := f.Next(now).Writes
	require.Len(t, writes, 1)
	f.Begin(writes, now)
	f.Heard(writes[0], devices.Outcome{Answer: devices.Accepted}, now)
	_, err := json.Marshal(f.Known())
	require.NoError(t, err)
}
