package workflows_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/internal/whole"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A leaver with something of each kind ends with what cannot be taken away here, which the report names, and nobody
// else has lost anything; also where reads lag by minutes, and where a request in five fails.
func TestTheWholeLeaver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lag    time.Duration
		faults []graphsim.Fault
	}{
		"as it should be": {},
		"reads that lag":  {lag: 3 * time.Minute},
		"a storm":         {faults: whole.Storm()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, func(c *plugin.Config) { c.Guards.Privileged = leaver.GuardClear }).set(graphsim.Settings{Lag: leaver.Duration(c.lag), PackagesTake: leaver.Duration(time.Minute), NumbersTake: leaver.Duration(time.Minute), LicensesTake: leaver.Duration(time.Hour)})
			user := o.tenant.Users()[graphsim.Leaver]
			user.Devices, user.EntraDevices = []graphsim.Device{windows("A"), windows("B"), windows("C"), windows("D")}, nil
			o.tenant.Add(user)
			filled := whole.Fill(o.tenant, 8, o.Now())
			for _, fault := range c.faults {
				o.tenant.Fail(fault)
			}
			input, err := json.Marshal(leaver.Request{UserID: graphsim.Leaver, Steps: filled.Steps(30 * 24 * time.Hour)})
			require.NoError(t, err)
			report := o.ends(leaver.CompletedWithExceptions, string(input))
			assert.Empty(t, filled.Lies(report))
			assert.Empty(t, filled.Differences())
		})
	}
}
