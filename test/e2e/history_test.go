package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fleet is a user with so many devices, of which the last checks in a while after it
// was asked and the others evenly before.
func fleet(name string, devices int, spread time.Duration) graphsim.User {
	user := graphsim.User{UserPrincipalName: name, AccountEnabled: true}
	for i := range devices {
		user.Devices = append(user.Devices, graphsim.Device{
			Name: fmt.Sprintf("CONTOSO-LT-%04d", i), OperatingSystem: "Windows",
			CheckIn: leaver.Duration(spread * time.Duration(i+1) / time.Duration(devices)),
		})
	}
	return user
}

// eachWiped has every device asked by a call of its own.
var eachWiped = &leaver.DevicePolicy{Company: leaver.DeviceActions{Default: leaver.Wipe}}

// BenchmarkHistory tells how many events and bytes the history of a whole offboarding
// has, by the number of devices, each of which is wiped by a call of its own. Where the
// offboarding continued as new, all its runs count.
func BenchmarkHistory(b *testing.B) {
	for _, s := range []struct {
		name string
		// each is how long after the one before a device checks in; all do within span
		// where it is zero.
		each, span time.Duration
		// most bounds a history by the number of devices: five are what a leaver may have,
		// and sixty are to stay far below the 10 MB of which the server warns.
		most map[int]bound
		// growth bounds how much more a device costs among 200 than among 20.
		growth float64
	}{
		// A look tells of many devices: a device costs no more among many.
		{name: "checkIns=together", span: 5 * time.Second, most: map[int]bound{5: {140, 45}, 60: {700, 1200}}, growth: 1.5},
		// Each device is told of by two looks of its own, when it has heard the call and
		// when it is gone. Each look is given what is known of all others, which is what
		// grows with the square; it must stay the smaller part up to 200.
		{name: "checkIns=oneByOne", each: 1500 * time.Millisecond, most: map[int]bound{60: {1500, 1200}}, growth: 3},
	} {
		b.Run(s.name, func(b *testing.B) {
			w := newWorld(b, settings{NoWorker: true, Unrecorded: true})
			run := w.inProcess(plugin.Config{FirstPoll: 100 * time.Millisecond, LongestPoll: 100 * time.Millisecond})
			defer run.Stop()
			for b.Loop() {
				perDevice, counts := map[int]float64{}, []int{1, 5, 20, 60, 200}
				for _, n := range counts {
					w.tenant.Add(fleet(name(n), n, max(s.span, s.each*time.Duration(n))))
					w.startWith(fmt.Sprint(n), leaver.Request{UserID: name(n), Devices: eachWiped})
				}
				for _, n := range counts {
					report, err := w.reportWithin(fmt.Sprint(n), 3*patience)
					require.NoError(b, err)
					require.Equal(b, leaver.Completed, report.Status)
					var events, kilobytes float64
					runs := w.runs(fmt.Sprint(n))
					for _, r := range runs {
						events, kilobytes = events+float64(r.Events), kilobytes+float64(r.Bytes)/1024
					}
					perDevice[n] = kilobytes / float64(n)
					b.Logf("%d devices: %.0f events, %.1f KB, %.2f KB for each device, in %d runs", n, events, kilobytes, perDevice[n], len(runs))
					if most, bounded := s.most[n]; bounded {
						assert.LessOrEqual(b, events, most.events, "events of %d devices", n)
						assert.LessOrEqual(b, kilobytes, most.kilobytes, "KB of %d devices", n)
					}
				}
				for _, n := range counts[1:] {
					b.ReportMetric(perDevice[n], fmt.Sprintf("KB/device-of-%d", n))
				}
				growth := perDevice[200] / perDevice[20]
				b.ReportMetric(growth, "of-200/of-20")
				assert.LessOrEqual(b, growth, s.growth, "what a device costs grows too much with the number of devices")
			}
		})
	}
}

type bound struct{ events, kilobytes float64 }
