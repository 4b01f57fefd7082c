package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
)

// schedule is what happens while an offboarding runs, however often it continues as new
// meanwhile.
type schedule []*event

type event struct {
	at   time.Duration
	do   func(*office)
	done bool
}

func (s schedule) on(o *office) {
	start := o.Now()
	o.begin = func() {
		for _, e := range s {
			if !e.done {
				o.after(max(time.Second, e.at-o.Now().Sub(start)), func() { e.done = true; e.do(o) })
			}
		}
	}
}

// renew has the server suggest to continue as new with a workflow task of its own.
func renew(o *office) { o.SetContinueAsNewSuggested(true) }

var (
	times = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+Z`)
	ids   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|SN-[0-9a-f]{8}`)
)

// comparable is a report without its times, and with ids by order of appearance.
func comparable(t *testing.T, report leaver.Report) string {
	t.Helper()
	text, err := json.MarshalIndent(report, "", " ")
	require.NoError(t, err)
	known := map[string]string{}
	return ids.ReplaceAllStringFunc(times.ReplaceAllString(string(text), "then"), func(id string) string {
		if known[id] == "" {
			known[id] = fmt.Sprint("id-", len(known))
		}
		return known[id]
	})
}

// An offboarding that continues as new every twenty minutes ends as one that never does.
func TestContinuingAsNewLosesNothing(t *testing.T) {
	t.Parallel()
	signal := func(at time.Duration, action leaver.Action, input string) *event {
		return &event{at: at, do: func(o *office) { o.signal(action, input) }}
	}
	answer := func(at time.Duration, choice leaver.Choice, names ...string) *event {
		return &event{at: at, do: func(o *office) { o.answer(choice, names...) }}
	}
	later := func(name string, in time.Duration) graphsim.Device {
		return graphsim.Device{Name: name, OperatingSystem: "Windows", CheckIn: leaver.Duration(in)}
	}
	heal := func(at time.Duration) *event { return &event{at: at, do: func(o *office) { o.tenant.Heal() }} }
	const h = time.Hour
	for name, c := range map[string]struct {
		request  string
		prepare  func(o *office)
		schedule func() schedule
		status   leaver.Status
	}{
		"devices on their way": {adele, func(o *office) {
			o.fleet(later("A", 3*h), later("B", 5*h), graphsim.Device{Name: "FAILS", OperatingSystem: "Windows", CheckIn: leaver.Duration(h), Failures: 1})
		}, func() schedule { return nil }, leaver.Completed},
		"questions": {adele, func(o *office) {
			o.fleet(harm("H1"), harm("H2"), harm("H3"), later("A", 5*h))
		}, func() schedule {
			return schedule{answer(2*h, leaver.GiveUp, "H1"), answer(3*h, "wipe", "H2"), {at: 4 * h, do: func(o *office) {
				var left []graphsim.Device
				for _, d := range o.tenant.Users()[graphsim.Leaver].Devices {
					if d.Name != "H2" && d.Name != "H3" {
						left = append(left, d)
					}
				}
				o.fleet(left...)
			}}}
		}, leaver.CompletedWithExceptions},
		"approvals": {wipeWindows, func(o *office) {
			o.tenant.Configure(graphsim.Settings{MultiAdminApproval: true})
			o.fleet(later("A", 0), later("B", h), later("C", h))
		}, func() schedule {
			decide := func(at time.Duration, name, status string) *event {
				return &event{at: at, do: func(o *office) { o.decide(said(removal(o.progress().Report))[name].ID, status) }}
			}
			return schedule{decide(2*h, "A", "approved"), decide(3*h, "B", "rejected"), answer(5*h, leaver.Retry, "B"), decide(6*h, "B", "approved"), answer(7*h, leaver.GiveUp, "C")}
		}, leaver.CompletedWithExceptions},
		"a used-up day": {wipeWindows, func(o *office) {
			o.tenant.Configure(graphsim.Settings{DailyWipes: 1})
			o.fleet(later("A", 0), later("B", h))
		}, func() schedule { return schedule{{at: 5 * h, do: func(o *office) { o.tenant.NextDay() }}} }, leaver.Completed},
		"a deadline": {`{"userId":"adele@contoso.com","deviceDeadline":"5h"}`, func(o *office) { o.fleet(silent("A")) }, func() schedule {
			return schedule{answer(6*h, leaver.WaitLonger, "A"), answer(13*h, leaver.GiveUp, "A")}
		}, leaver.CompletedWithExceptions},
		"a step that asks": {adele, func(o *office) { o.fleet(later("A", 0)); o.forbid("PATCH", "") }, func() schedule {
			return schedule{signal(h, leaver.RetryStep, `{"step":"disableAccount","by":"a"}`), heal(3 * h), signal(3*h, leaver.RetryStep, `{"step":"disableAccount","by":"b"}`)}
		}, leaver.Completed},
		"steps of shape each": {`{"userId":"adele@contoso.com","steps":{"wipeManagedAppRegistrations":{"include":true},"disableEntraDevices":{"include":true},"deleteEntraDevices":{"include":true}}}`,
			func(o *office) {
				user := o.tenant.Users()[graphsim.Leaver]
				user.Devices, user.EntraDevices = []graphsim.Device{later("A", 0), later("B", 0)}, nil
				user.AppRegistrations = []graphsim.AppRegistration{{ID: "1", DeviceTag: "1"}, {ID: "2", DeviceTag: "2"}}
				o.tenant.Add(user)
				o.forbid("PATCH", o.tenant.Users()[graphsim.Leaver].EntraDevices[0].ID)
				o.forbid("DELETE", o.tenant.Users()[graphsim.Leaver].EntraDevices[1].ID)
				o.forbid("GET", "/managedAppRegistrations")
			}, func() schedule {
				return schedule{signal(2*h, leaver.Answer, `{"step":"disableEntraDevices","choice":"giveUp"}`), heal(4 * h),
					signal(4*h, leaver.RetryStep, `{"step":"wipeManagedAppRegistrations"}`), signal(5*h, leaver.Answer, `{"step":"deleteEntraDevices","choice":"retry"}`)}
			}, leaver.CompletedWithExceptions},
		"a device that is enrolled meanwhile": {`{"userId":"adele@contoso.com","steps":{"disableEntraDevices":{"include":true}}}`, func(o *office) {
			user := o.tenant.Users()[graphsim.Leaver]
			user.Devices, user.EntraDevices = []graphsim.Device{later("A", 0)}, nil
			o.tenant.Add(user)
			o.forbid("PATCH", o.tenant.Users()[graphsim.Leaver].EntraDevices[0].ID)
		}, func() schedule {
			return schedule{{at: h, do: func(o *office) { o.tenant.Enroll(graphsim.Leaver, later("LATE", h)) }}, heal(2 * h), signal(2*h, leaver.RetryStep, `{"step":"disableEntraDevices"}`)}
		}, leaver.Completed},
		"a step that is left out": {adele, func(o *office) { o.fleet(silent("A")) }, func() schedule {
			return schedule{signal(3*h, leaver.SkipStep, `{"step":"removeAllDevices","reason":"broken"}`)}
		}, leaver.CompletedWithExceptions},
		"an abort":  {adele, func(o *office) { o.fleet(silent("A"), harm("H")) }, func() schedule { return schedule{signal(3*h, leaver.Abort, `{"by":"x"}`)} }, leaver.Aborted},
		"a cancel":  {adele, func(o *office) { o.fleet(silent("A")) }, func() schedule { return schedule{{at: 3 * h, do: func(o *office) { o.CancelWorkflow() }}} }, leaver.CanceledStatus},
		"no people": {`{"userId":"adele@contoso.com","onFailure":"continue"}`, func(o *office) { o.fleet(harm("H"), later("A", 3*h)) }, func() schedule { return nil }, leaver.Incomplete},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := func(renewals int) (*office, string) {
				o := newOffice(t, quarterHourly)
				c.prepare(o)
				s := c.schedule()
				for n := range renewals {
					s = append(s, &event{at: time.Duration(n+1)*20*time.Minute - 7*time.Minute, do: renew})
				}
				s.on(o)
				start := o.Now()
				report, _ := o.run(c.request)
				assert.Equal(t, c.status, report.Status)
				assert.WithinDuration(t, start, report.StartedAt, 0)
				return o, comparable(t, report)
			}
			_, want := run(0)
			o, got := run(60)
			assert.GreaterOrEqual(t, o.runs, 3)
			assert.Equal(t, want, got)
		})
	}
}

// What is sent in the same moment in which the workflow continues as new is done, and an
// update is answered.
func TestADecisionThatComesWithARenewalIsCarriedOut(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(*office, leaver.Action, string){
		"a signal": func(o *office, a leaver.Action, input string) {
			o.SignalWorkflowSkippingWorkflowTask(string(a), json.RawMessage(input))
			o.after(0, func() { renew(o) }) // both are seen by one task
		},
		"a signal before one that is refused": func(o *office, a leaver.Action, input string) {
			o.SignalWorkflowSkippingWorkflowTask(string(a), json.RawMessage(input))
			o.SignalWorkflowSkippingWorkflowTask(string(a), json.RawMessage(`{}`))
			o.after(0, func() { renew(o) })
		},
		"an update": func(o *office, a leaver.Action, input string) {
			var answer error
			o.UpdateWorkflow(string(a), uuid.NewString(), &testsuite.TestUpdateCallback{
				OnAccept:   func() { renew(o) },
				OnReject:   func(err error) { answer = err },
				OnComplete: func(_ any, err error) { answer = err },
			}, json.RawMessage(input))
			t.Cleanup(func() { assert.NoError(t, answer, "it is answered before the run ends") })
		},
	} {
		o := newOffice(t)
		o.fleet(harm("A"), harm("B"))
		schedule{
			{at: time.Hour, do: func(o *office) {
				send(o, leaver.Answer, `{"step":"removeAllDevices","choice":"giveUp","items":["`+o.deviceIDs()[0]+`"],"by":"it@contoso.com"}`)
			}},
			{at: 2 * time.Hour, do: func(o *office) {
				assert.Equal(t, 1, o.runs, name)
				send(o, leaver.SkipStep, `{"step":"removeAllDevices"}`)
			}},
		}.on(o)
		report, err := o.run(adele)
		require.NoError(t, err, name)
		assert.Equal(t, leaver.Skipped, removal(report).Outcome)
		require.Len(t, removal(report).Decisions, 2, name)
		assert.Equal(t, "it@contoso.com", removal(report).Decisions[0].By)
		items := said(removal(report))
		assert.Equal(t, leaver.GivenUp, items["A"].Device.Verdict)
		assert.Equal(t, leaver.NotAsked, items["B"].Device.Verdict)
	}
}

// A decision may also be there before a run has begun, and the server may suggest the
// next at once.
func TestADecisionThatIsThereBeforeARunIsCarriedOut(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.fleet(silent("A"))
	o.begin = func() {
		switch o.runs {
		case 0:
			o.after(time.Hour, func() { renew(o) })
		case 1:
			o.SetContinueAsNewSuggested(true)
			o.after(0, func() { o.signal(leaver.Abort, `{"by":"it@contoso.com"}`) })
		}
	}
	report, err := o.run(adele)
	require.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete), "%v", err)
	require.NotNil(t, report.Aborted)
	assert.Equal(t, "it@contoso.com", report.Aborted.By)
	assert.Equal(t, 1, o.runs)
}

// Writes end before the workflow continues as new: each is made once, and its answer is
// kept. What begins meanwhile does not wait for one that takes long, unless the history
// has grown too long for that.
func TestWritesEndBeforeTheWorkflowContinuesAsNew(t *testing.T) {
	t.Parallel()
	for _, history := range []int{5_000, 30_000} {
		o := newOffice(t)
		o.tenant.Configure(graphsim.Settings{DelegatedRemoval: true})
		o.fleet(silent("A"), silent("SLOW"), harm("H"))
		slow := o.deviceIDs()[1]
		o.tenant.Fail(graphsim.Fault{Path: slow + "/retire", Status: 503, Times: -1})
		schedule{
			{at: 10 * time.Minute, do: func(o *office) {
				o.SetCurrentHistoryLength(history)
				renew(o)
			}},
			{at: 20 * time.Minute, do: func(o *office) { o.answer("wipe", "H") }},
			{at: 30 * time.Minute, do: func(o *office) {
				assert.Zero(t, o.runs, "a write is at work")
				assert.Equal(t, history == 5_000, said(removal(o.progress().Report))["H"].Device.Asked() != nil)
				o.tenant.Heal()
			}},
			{at: time.Hour, do: func(o *office) {
				assert.Equal(t, 1, o.runs)
				for name, item := range said(removal(o.progress().Report)) {
					require.Len(t, item.Device.Calls, 1, name)
					assert.Equal(t, leaver.CallAccepted, item.Device.Calls[0].Answer, name)
				}
				o.CancelWorkflow()
			}},
		}.on(o)
		_, _ = o.run(adele)
		assert.Equal(t, 1, o.requested("POST", "/wipe"))
	}
}

// The same for a step of shape each.
func TestChangesEndBeforeTheWorkflowContinuesAsNew(t *testing.T) {
	t.Parallel()
	g := newGroups(t, leaver.Ask)
	for i := range 25 {
		g.left = append(g.left, fmt.Sprint("g", i))
	}
	g.refused["g3"] = true
	n := 0
	g.begin = func() {
		g.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
			if info.ActivityType.Name == "Leave" {
				if n++; n%4 == 0 {
					g.SetCurrentHistoryLength(30_000)
					renew(g.office)
				}
			}
		})
		if g.runs > 0 {
			g.after(time.Hour, func() {
				g.allow()
				g.signal(leaver.Answer, `{"step":"groups","choice":"retry"}`)
			})
		}
	}
	report, err := g.run(user1)
	require.NoError(t, err)
	assert.Positive(t, g.runs)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.Len(t, report.Steps[0].Items, 25)
	assert.Len(t, g.changed, 25, "each was changed once")
}

// Decisions and refused signals stay bounded over all runs.
func TestWhatPeopleSendIsBoundedOverAllRuns(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.forbid("PATCH", "")
	var s schedule
	for n := range 130 {
		s = append(s, &event{at: time.Duration(n+1) * time.Hour, do: func(o *office) { o.signal(leaver.RetryStep, `{"step":"disableAccount"}`) }})
		if n%10 == 0 {
			s = append(s, &event{at: time.Duration(n+1)*time.Hour + time.Minute, do: func(o *office) { o.signal(leaver.SkipStep, `{}`) }},
				&event{at: time.Duration(n+1)*time.Hour + 2*time.Minute, do: renew})
		}
	}
	s = append(s, &event{at: 140 * time.Hour, do: func(o *office) {
		assert.Len(t, o.progress().Refused, 10)
		o.signal(leaver.Abort, `{}`)
	}})
	s.on(o)
	report, err := o.run(adele)
	require.Error(t, err)
	assert.Equal(t, 13, o.runs)
	assert.Len(t, report.Steps[0].Decisions, 100)
	assert.Equal(t, 30, report.Steps[0].EarlierDecisions)
}

// The state is the second input of a run that continues another; nobody else may give one.
func TestAForgedStateIsRefused(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.ExecuteWorkflow(leaver.WorkflowType, json.RawMessage(adele), json.RawMessage(`{"report":{"status":"running","leaver":{"id":"megan"}},"steps":[]}`))
	_, err := o.end()
	assert.True(t, leaver.IsFailure(err, leaver.InvalidRequest), "%v", err)
	assert.ErrorContains(t, err, "the input must be one JSON object, and nothing beside it")
	assert.Empty(t, o.tenant.Requests())
	assert.False(t, strings.Contains(err.Error(), "megan"))
}
