package workflows_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
)

// A refusal that may pass is tried five times over some minutes; then it counts.
func TestARefusalThatMayPassIsTriedSomeTimes(t *testing.T) {
	t.Parallel()
	conflict := graphsim.Fault{Method: "PATCH", Status: 409, Code: "Directory_ConcurrencyViolation", Message: "Please wait briefly and retry."}
	for refused, want := range map[int]leaver.Outcome{1: leaver.Done, 4: leaver.Done, 5: leaver.Failed} {
		o := newOffice(t)
		conflict.Times = refused
		o.tenant.Fail(graphsim.Fault{Method: "PATCH", Status: 503, Times: 3}) // an outage before it is none of the tries
		o.tenant.Fail(conflict)
		began := o.Now()
		report, _ := o.run(`{"userId":"adele@contoso.com","onFailure":"continue"}`)
		assert.Equal(t, want, report.Steps[0].Outcome, "refused %d times", refused)
		assert.Equal(t, want != leaver.Done, o.tenant.Users()[graphsim.Leaver].AccountEnabled)
		if refused == 4 {
			assert.Greater(t, report.Steps[0].EndedAt.Sub(began), 3*time.Minute)
		}
		if want == leaver.Failed {
			assert.Contains(t, report.Steps[0].Failure.Message, "409 Directory_ConcurrencyViolation")
		}
	}
}

// As docs/refusals.md says: planning is begun anew once, and counts from there.
func TestARefusalThatMayPassIsTriedSomeTimesForThePlanToo(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.tenant.Fail(graphsim.Fault{Status: 409, Code: "Conflict", Message: "Busy.", Times: -1})
	began := o.Now()
	_, err := o.run(adele)
	assert.True(t, leaver.IsFailure(err, leaver.GraphBadRequest), "%v", err)
	assert.Len(t, o.tenant.Requests(), 8)
	assert.LessOrEqual(t, o.Now().Sub(began), 6*time.Minute)
	o.untouched()
}

// While devices are awaited for weeks, refusals that pass are not added up.
func TestRefusalsThatHavePassedDoNotCount(t *testing.T) {
	t.Parallel()
	o := newOffice(t, quarterHourly).fleet(silent("A"))
	for hour := range 8 {
		o.after(time.Duration(hour+1)*time.Hour, func() {
			o.tenant.Fail(graphsim.Fault{Path: "/managedDevices", Status: 401, Code: "InvalidAuthenticationToken", Message: "Access token validation failure."})
		})
	}
	o.after(10*time.Hour, func() {
		assert.Equal(t, leaver.StepRunning, o.removal().State, "nobody is asked")
		o.fleet()
	})
	o.ends(leaver.Completed, adele)
}

// B33: the one action for all is out of order for long, others work.
func TestTheOneActionThatIsOutOfOrderIsFollowedByEachDevicesOwnCall(t *testing.T) {
	t.Parallel()
	o := newOffice(t).fleet(windows("A"), windows("B"))
	o.tenant.Fail(graphsim.Fault{Path: "/removeAllDevicesFromManagement", Status: 500, Times: -1})
	step := removal(o.ends(leaver.Completed, adele))
	require.Len(t, step.Items, 2)
	for _, item := range step.Items {
		calls := item.Device.Calls
		require.Len(t, calls, 2)
		assert.Equal(t, []leaver.CallAnswer{leaver.CallUnknown, leaver.CallAccepted}, []leaver.CallAnswer{calls[0].Answer, calls[1].Answer})
		assert.InDelta(t, 30*time.Minute, calls[1].At.Sub(calls[0].At), float64(5*time.Minute))
	}
}

// B22: an enrolment manager has more devices than an offboarding can hold.
func TestTooManyDevicesEndThePlanAndNothingIsTouched(t *testing.T) {
	t.Parallel()
	o := newOffice(t).fleet(make([]graphsim.Device, leaver.MaxDevices+1)...)
	_, err := o.run(adele)
	assert.True(t, leaver.IsFailure(err, leaver.TooManyDevices), "%v", err)
	assert.ErrorContains(t, err, "1001 devices")
	assert.True(t, o.tenant.Users()[graphsim.Leaver].AccountEnabled)
}

// B18: planning that waits says for what, since when and until when.
func TestPlanningThatWaitsSaysForWhat(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.tenant.Fail(graphsim.Fault{Path: "/users/adele@contoso.com", Status: 503, Times: -1})
	began := o.Now()
	o.after(30*time.Second, func() { assert.Empty(t, o.progress().Waits, "it has just begun") })
	o.after(3*time.Hour, func() {
		p := o.progress()
		require.Len(t, p.Waits, 1)
		wait := p.Waits[0]
		assert.Equal(t, leaver.WaitForGraph, wait.For)
		assert.Contains(t, wait.Why, "Graph is not available, trying again; Graph answered 503")
		assert.WithinDuration(t, began, wait.Since, 2*time.Minute)
		assert.WithinDuration(t, began.Add(24*time.Hour), wait.Until, time.Second)
		assert.Contains(t, o.currentDetails(), "waits for Graph since")
		o.tenant.Heal()
	})
	report := o.ends(leaver.Completed, adele)
	assert.Less(t, report.EndedAt.Sub(began), 4*time.Hour)
	assert.Empty(t, o.progress().Waits)
}

func TestPlanningIsGivenUpAfterADayAndHasHeardAnAbortMeanwhile(t *testing.T) {
	t.Parallel()
	for _, aborted := range []bool{false, true} {
		o := newOffice(t)
		o.tenant.Fail(graphsim.Fault{Path: "/users/adele@contoso.com", Status: 429, RetryAfter: "1800", Times: -1})
		began := o.Now()
		if aborted {
			o.after(3*time.Hour, func() { o.signal(leaver.Abort, `{"by":"x"}`) })
		}
		report, err := o.run(adele)
		assert.True(t, leaver.IsFailure(err, leaver.GraphThrottled, leaver.OffboardingIncomplete), "%v", err)
		if spent := o.Now().Sub(began); aborted {
			assert.Equal(t, leaver.Aborted, report.Status)
			assert.Less(t, spent, 4*time.Hour)
		} else {
			assert.Greater(t, spent, 22*time.Hour)
			assert.Less(t, len(o.tenant.Requests()), 80)
		}
	}
}

// B25: several inputs are several arguments, and the last would be dropped in silence.
func TestSeveralInputsAreRefused(t *testing.T) {
	t.Parallel()
	type inputs []any
	for _, more := range []inputs{{`{"dryRun":true}`}, {`{}`, `{}`}, {`null`, `{"dryRun":true}`}} {
		o := newOffice(t)
		all := []any{json.RawMessage(adele)}
		for _, input := range more {
			all = append(all, json.RawMessage(input.(string)))
		}
		o.ExecuteWorkflow(leaver.WorkflowType, all...)
		_, err := o.end()
		assert.True(t, leaver.IsFailure(err, leaver.InvalidRequest), "%v", err)
		assert.ErrorContains(t, err, "must be one JSON object, and several were given")
		assert.Empty(t, o.tenant.Requests())
	}
}

// severally encodes a list of inputs as several, as `temporal workflow signal` does with several --input.
type severally struct{ converter.DataConverter }

func (s severally) ToPayloads(values ...any) (*commonpb.Payloads, error) {
	if len(values) == 1 {
		if list, ok := values[0].([]any); ok {
			values = list
		}
	}
	return s.DataConverter.ToPayloads(values...)
}

// B25, for signals: the second input may be what was meant to make the first harmless.
func TestASignalWithSeveralInputsIsRefused(t *testing.T) {
	t.Parallel()
	o := newPlanned(t, single("one", "Refuse"))
	o.SetDataConverter(severally{converter.GetDefaultDataConverter()})
	skip := json.RawMessage(`{"step":"one"}`)
	o.after(time.Hour, func() {
		o.SignalWorkflow(string(leaver.RetryStep), skip)
		o.SignalWorkflow(string(leaver.SkipStep), []any{skip, json.RawMessage(`{"userId":"megan@contoso.com"}`)})
	})
	o.after(2*time.Hour, func() {
		p := o.progress()
		assert.True(t, p.EndedAt.IsZero())
		require.Len(t, p.Refused, 1)
		assert.Equal(t, leaver.SkipStep, p.Refused[0].Action)
		assert.Contains(t, p.Refused[0].Why, "must be one JSON object, and several were given")
		o.SignalWorkflow(string(leaver.SkipStep), skip)
	})
	o.ends(leaver.CompletedWithExceptions, user1)
}

// B27: a signal of a name that does not exist.
func TestASignalThatDoesNotExistIsShownWithTheNameThatWasMeant(t *testing.T) {
	t.Parallel()
	o := newOffice(t).forbid("PATCH", "")
	o.after(time.Hour, func() {
		for _, name := range []string{"RetryStep", "skip-step", "stop", "skip-step"} {
			o.SignalWorkflow(name, json.RawMessage(`{"step":"disableAccount"}`))
		}
	})
	o.after(2*time.Hour, func() {
		said := map[string]string{}
		for _, refused := range o.progress().Refused {
			said[string(refused.Action)] = refused.Why
		}
		assert.Equal(t, "there is no such signal; retryStep was probably meant", said["RetryStep"])
		assert.Equal(t, "there is no such signal; skipStep was probably meant", said["skip-step"])
		assert.Contains(t, said["stop"], "want one of")
		o.signal(leaver.Abort, `{}`)
	})
	o.ends(leaver.Aborted, adele)
	assert.Len(t, o.progress().Refused, 4, "each is kept")
}

// B42: a time-out of the whole that is shorter than the devices may take.
func TestATimeOutThatIsShorterThanTheDeadlineIsWarnedOf(t *testing.T) {
	t.Parallel()
	for limit, warned := range map[time.Duration]bool{24 * time.Hour: true, 365 * 24 * time.Hour: false} {
		o := newOffice(t).fleet(silent("A"))
		o.SetWorkflowRunTimeout(limit)
		o.after(time.Hour, func() {
			assert.Equal(t, warned, len(o.progress().Warnings) == 1, "%s", limit)
			if warned {
				assert.Contains(t, o.progress().Warnings[0], "Temporal ends this offboarding 24h0m0s after its start, without a report, and devices may take 720h0m0s to leave")
				assert.Contains(t, o.currentDetails(), "--execution_timeout")
			}
			o.fleet()
		})
		o.ends(leaver.Completed, adele)
		assert.Empty(t, o.progress().Warnings)
	}
}

func TestAWipeIsMadeWithThePolicysParameters(t *testing.T) {
	t.Parallel()
	o := newOffice(t).fleet(windows("A"))
	var asked devices.WriteRequest
	o.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, args converter.EncodedValues) {
		if info.ActivityType.Name == leaver.ActivityWipeDevice {
			assert.NoError(t, args.Get(&asked))
		}
	})
	o.ends(leaver.Completed, `{"userId":"adele@contoso.com","devices":{"company":{"windows":"wipe"},"wipeOptions":{"persistEsimDataPlan":true}}}`)
	assert.Equal(t, leaver.WipeOptions{PersistEsimDataPlan: true}, asked.Wipe)
}

// Kind 3: what asks for a pause that is longer than a step's patience is tried before that is over, or one answer of a
// proxy's would leave the account open.
func TestAPauseThatIsLongerThanAStepsPatienceEndsNoStep(t *testing.T) {
	t.Parallel()
	for _, planned := range []bool{false, true} {
		o := newOffice(t)
		path := "/users/" + graphsim.Leaver
		if planned {
			path = "/users/" + o.tenant.Users()[graphsim.Leaver].ID
		}
		o.tenant.Fail(graphsim.Fault{Path: path, Status: 503, RetryAfter: "172800"})
		_, _ = o.run(`{"userId":"adele@contoso.com","onFailure":"continue"}`)
		assert.False(t, o.tenant.Users()[graphsim.Leaver].AccountEnabled, path)
	}
}
