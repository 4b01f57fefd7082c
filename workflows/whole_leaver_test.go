package workflows_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/internal/whole"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
)

// A leaver with something of each kind ends with what cannot be taken away here, which the report names, and nobody
// else has lost anything. Reads lag by minutes, or do not.
func TestTheWholeLeaver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lag    time.Duration
		faults []graphsim.Fault // of which every second activity meets one
	}{
		"as it should be": {},
		"reads that lag":  {lag: 3 * time.Minute},
		"faults":          {faults: []graphsim.Fault{{Status: 503}, {Status: 429, RetryAfter: "20"}, {Reset: true}, {Cut: true}, {Status: 502, HTML: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, func(c *plugin.Config) { c.Guards.Privileged = leaver.GuardClear }).set(graphsim.Settings{Lag: leaver.Duration(c.lag), PackagesTake: leaver.Duration(time.Minute), NumbersTake: leaver.Duration(time.Minute), LicensesTake: leaver.Duration(time.Hour)})
			user := o.tenant.Users()[graphsim.Leaver]
			user.Devices, user.EntraDevices = []graphsim.Device{windows("A"), windows("B"), windows("C"), windows("D")}, nil
			o.tenant.Add(user)
			filled := whole.Fill(o.tenant, 8, o.Now())
			r := rand.New(rand.NewPCG(1, 7))
			o.SetOnActivityStartedListener(func(*activity.Info, context.Context, converter.EncodedValues) {
				if len(c.faults) > 0 && r.IntN(2) == 0 {
					o.tenant.Fail(one(r, c.faults...))
				}
			})
			input, err := json.Marshal(leaver.Request{UserID: graphsim.Leaver, Steps: filled.Steps(30 * 24 * time.Hour)})
			require.NoError(t, err)
			report := o.ends(leaver.CompletedWithExceptions, string(input))
			assert.Empty(t, filled.Lies(report))
			assert.Empty(t, filled.Differences())
		})
	}
}
