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
	for name, s := range stories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var renewals schedule
			for n := range 60 {
				renewals = append(renewals, at(time.Duration(n+1)*20*time.Minute-7*time.Minute, renew))
			}
			_, want := s.tell(t, nil)
			o, got := s.tell(t, renewals)
			assert.GreaterOrEqual(t, o.runs, 3)
			assert.Equal(t, comparable(t, want), comparable(t, got))
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
		o := newOffice(t).fleet(harm("A"), harm("B"))
		schedule{
			{at: time.Hour, do: func(o *office) {
				send(o, leaver.Answer, `{"step":"removeAllDevices","choice":"giveUp","items":["`+o.deviceIDs()[0]+`"],"by":"it@contoso.com"}`)
			}},
			{at: 2 * time.Hour, do: func(o *office) {
				assert.Equal(t, 1, o.runs, name)
				send(o, leaver.SkipStep, onRemoval)
			}},
		}.on(o)
		step := removal(o.ends(leaver.CompletedWithExceptions, adele))
		assert.Equal(t, leaver.Skipped, step.Outcome)
		require.Len(t, step.Decisions, 2, name)
		assert.Equal(t, "it@contoso.com", step.Decisions[0].By)
		assert.Equal(t, "A givenUp, B notAsked?", stands(step))
	}
}

// A decision may also be there before a run has begun, and the server may suggest the
// next at once.
func TestADecisionThatIsThereBeforeARunIsCarriedOut(t *testing.T) {
	t.Parallel()
	o := newOffice(t).fleet(silent("A"))
	o.begin = func() {
		switch o.runs {
		case 0:
			o.after(time.Hour, func() { renew(o) })
		case 1:
			o.SetContinueAsNewSuggested(true)
			o.after(0, func() { o.signal(leaver.Abort, `{"by":"it@contoso.com"}`) })
		}
	}
	report := o.ends(leaver.Aborted, adele)
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
		o := newOffice(t).set(graphsim.Settings{DelegatedRemoval: true}).fleet(silent("A"), silent("SLOW"), harm("H"))
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
	o := newOffice(t).forbid("PATCH", "")
	var s schedule
	for n := range 130 {
		s = append(s, signals(time.Duration(n+1)*time.Hour, leaver.RetryStep, `{"step":"disableAccount"}`))
		if n%10 == 0 {
			s = append(s, signals(time.Duration(n+1)*time.Hour+time.Minute, leaver.SkipStep, `{}`), at(time.Duration(n+1)*time.Hour+2*time.Minute, renew))
		}
	}
	s = append(s, at(140*time.Hour, func(o *office) { assert.Len(t, o.progress().Refused, 10) }), signals(140*time.Hour, leaver.Abort, `{}`))
	s.on(o)
	step := o.ends(leaver.Aborted, adele).Steps[0]
	assert.Equal(t, 13, o.runs)
	assert.Len(t, step.Decisions, 100)
	assert.Equal(t, 30, step.EarlierDecisions)
}

// The state is the second input of a run that continues another; nobody else may give one.
func TestAForgedStateIsRefused(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.ExecuteWorkflow(leaver.WorkflowType, json.RawMessage(adele), json.RawMessage(`{"report":{"status":"running","leaver":{"id":"megan"}},"steps":[]}`))
	_, err := o.end()
	assert.True(t, leaver.IsFailure(err, leaver.InvalidRequest), "%v", err)
	assert.ErrorContains(t, err, "the input must be one JSON object, and several were given")
	assert.Empty(t, o.tenant.Requests())
	assert.False(t, strings.Contains(err.Error(), "megan"))
}

// An item waits for days for a second administrator while the history has grown long: the workflow continues as new, and
// the devices are followed meanwhile.
func TestAnItemThatAwaitsApprovalDoesNotHoldUpARenewal(t *testing.T) {
	t.Parallel()
	o := newOffice(t).set(graphsim.Settings{MultiAdminApproval: true, ApprovalForRest: true})
	user := o.tenant.Users()[graphsim.Leaver]
	user.Devices = []graphsim.Device{{Name: "A", OperatingSystem: "Windows", CheckIn: leaver.Duration(5 * time.Hour)}}
	user.AppRegistrations = []graphsim.AppRegistration{{ID: "r1", DeviceTag: "t1"}}
	o.tenant.Add(user)
	seen := ""
	o.begin = func() {
		if o.runs == 0 {
			o.after(2*time.Hour, func() {
				o.SetContinueAsNewSuggested(true)
				o.SetCurrentHistoryLength(12_000)
				o.signal(leaver.RetryStep, `{"step":"unknown"}`) // the workflow sees it
			})
		} else if o.runs > 3 {
			o.cancel()
		}
		o.after(40*time.Hour, func() {
			seen = o.stands()
			o.decide("approved", "/wipeManagedAppRegistrationsByDeviceTag")
		})
	}
	o.ends(leaver.Completed, `{"userId":"adele@contoso.com","steps":{"wipeManagedAppRegistrations":{"include":true}}}`)
	assert.Equal(t, "A gone", seen)
	assert.Equal(t, 1, o.runs)
	assert.Len(t, o.tenant.Approvals(), 1, "it is asked for once")
}
