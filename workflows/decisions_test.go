package workflows_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/activities"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
)

// ways are those in which a decision can be sent; what each returns tells, later, whether
// it was refused.
var ways = map[string]func(*office, leaver.Action, string) func() error{
	"signal": func(o *office, action leaver.Action, input string) func() error {
		o.signal(action, input)
		return func() error { return nil }
	},
	"update": (*office).update,
}

func TestAPersonCanRetry(t *testing.T) {
	t.Parallel()
	for how, send := range ways {
		o := newOffice(t).forbid("PATCH", "")
		o.after(time.Hour, func() {
			p := o.progress()
			assert.Equal(t, leaver.Waiting, p.Status)
			assert.Equal(t, "person [retryStep skipStep abort] []", waits(p), "it offers no choices")
			assert.Equal(t, leaver.StepDisableAccount, p.Waits[0].Step)
			o.tenant.Heal()
			refused := send(o, leaver.RetryStep, `{"step":"disableAccount","by":"it@contoso.com","reason":"role assigned"}`)
			o.after(time.Second, func() { assert.NoError(t, refused(), how) })
		})
		first := o.ends(leaver.Completed, adele).Steps[0]
		require.Len(t, first.Decisions, 1)
		assert.Equal(t, "it@contoso.com", first.Decisions[0].By)
		assert.Equal(t, leaver.GraphForbidden, first.Failure.Type, "the report remembers why it waited")
	}
}

func TestAnAbortThatIsThereBeforeTheFirstTaskTouchesNothing(t *testing.T) {
	t.Parallel()
	for _, send := range ways {
		o := newOffice(t)
		before := o.tenant.Users()
		var refused func() error
		o.after(0, func() { refused = send(o, leaver.Abort, `{"by":"it@contoso.com"}`) })
		report := o.ends(leaver.Aborted, adele)
		assert.NoError(t, refused())
		require.NotNil(t, report.Aborted)
		assert.Equal(t, "it@contoso.com", report.Aborted.By)
		assert.Equal(t, before, o.tenant.Users())
	}
}

func TestAnAbortLetsARunningWriteFinish(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.letActivitiesFinish()
	o.whenStarted(leaver.ActivityRevokeSessions, func() { o.signal(leaver.Abort, `{"by":"it@contoso.com"}`) })
	report := o.ends(leaver.Aborted, adele)
	assert.Equal(t, "disableAccount done, revokeSessions done, removeAllDevices notStarted", outcomes(report))
	assert.ErrorContains(t, o.GetWorkflowError(), "offboarding aborted: removeAllDevices was not started")
}

func TestAfterAnAbortNoFurtherDecisionIsTaken(t *testing.T) {
	t.Parallel()
	o := newOffice(t).forbid("PATCH", "")
	refused := map[leaver.Action]func() error{}
	o.after(time.Hour, func() {
		o.signal(leaver.Abort, `{"by":"first@contoso.com"}`)
		refused[leaver.RetryStep] = o.update(leaver.RetryStep, `{"step":"disableAccount"}`)
		refused[leaver.Abort] = o.update(leaver.Abort, `{"by":"second@contoso.com"}`)
	})
	report := o.ends(leaver.Aborted, adele)
	assert.Equal(t, "first@contoso.com", report.Aborted.By)
	assert.Empty(t, report.Steps[0].Decisions)
	require.Len(t, refused, 2)
	for action, why := range refused {
		assert.Error(t, why(), action)
	}
}

// The activity cannot be stopped any more. When it then fails, the person's answer is there
// already; when it succeeds, the report says what was seen.
func TestAStepThatIsSkippedWhileItRunsIsNotAskedAboutAgain(t *testing.T) {
	t.Parallel()
	for _, onFailure := range []string{"ask", "continue", "fail", "and succeeds"} {
		o := newOffice(t)
		o.letActivitiesFinish()
		o.whenStarted(leaver.ActivityRevokeSessions, func() { o.signal(leaver.SkipStep, `{"step":"revokeSessions"}`) })
		if onFailure == "and succeeds" {
			step := o.ends(leaver.Completed, adele).Steps[1]
			assert.Equal(t, leaver.Done, step.Outcome)
			assert.Len(t, step.Decisions, 1)
			continue
		}
		o.forbid("POST", "/revokeSignInSessions")
		report := o.ends(leaver.CompletedWithExceptions, `{"userId":"adele@contoso.com","onFailure":"`+onFailure+`"}`)
		assert.Equal(t, "disableAccount done, revokeSessions skipped, removeAllDevices done", outcomes(report))
		assert.Equal(t, leaver.GraphForbidden, report.Steps[1].Failure.Type, "what went wrong is not forgotten")
	}
}

func TestAWaitForDevicesThatIsSkippedIsStopped(t *testing.T) {
	t.Parallel()
	for _, send := range ways {
		o := newOffice(t)
		o.tenant.Add(neverCheckingIn(o.tenant))
		o.after(10*24*time.Hour, func() {
			p := o.progress()
			assert.Equal(t, leaver.Running, p.Status)
			assert.Equal(t, "devices [skipStep abort] []", waits(p))
			send(o, leaver.SkipStep, `{"step":"removeAllDevices","by":"it@contoso.com","reason":"broken laptop"}`)
		})
		report := o.ends(leaver.CompletedWithExceptions, adele)
		step := removal(report)
		assert.Equal(t, leaver.Skipped, step.Outcome)
		assert.Equal(t, "left out by a decision", step.Detail)
		decision := leaver.Decision{Step: "removeAllDevices", By: "it@contoso.com", Reason: "broken laptop"}
		assert.Equal(t, []leaver.Decided{{Action: leaver.SkipStep, Decision: decision, At: report.EndedAt}}, step.Decisions)
		for _, item := range step.Items {
			assert.NotNil(t, item.Device.Asked(), "left out does not mean forgotten")
		}
	}
}

func neverCheckingIn(tenant *graphsim.Tenant) graphsim.User {
	user := tenant.Users()[graphsim.Leaver]
	for i := range user.Devices {
		user.Devices[i].CheckIn = -1
	}
	return user
}

// Whoever sends decisions without end does not make an offboarding that cannot go on: the
// last hundred about a step are kept, in order.
func TestTheLastDecisionsAboutAStepAreRecordedInOrder(t *testing.T) {
	t.Parallel()
	o := newOffice(t).forbid("PATCH", "")
	for n := range 120 {
		o.after(time.Duration(n)*time.Hour, func() { o.signal(leaver.RetryStep, fmt.Sprintf(`{"step":"disableAccount","by":"%d"}`, n)) })
	}
	o.after(120*time.Hour, func() { o.signal(leaver.SkipStep, `{"step":"disableAccount","by":"120","reason":"break glass"}`) })
	report := o.ends(leaver.CompletedWithExceptions, adele)
	step := report.Steps[0]
	require.Len(t, step.Decisions, 100)
	for i, d := range step.Decisions {
		assert.Equal(t, fmt.Sprint(i+21), d.By)
		assert.Equal(t, time.Duration(i+21)*time.Hour, d.At.Sub(report.StartedAt).Round(time.Hour))
		assert.Equal(t, map[bool]leaver.Action{true: leaver.SkipStep, false: leaver.RetryStep}[i == 99], d.Action)
	}
	assert.Equal(t, 20, step.EarlierDecisions)
	assert.Equal(t, leaver.Skipped, step.Outcome)
	assert.True(t, o.tenant.Users()[graphsim.Leaver].AccountEnabled)
}

func TestDecisionsThatNameManyItemsAreKeptWhileThereIsRoom(t *testing.T) {
	t.Parallel()
	var ids []string
	for i := range 900 {
		ids = append(ids, fmt.Sprint(i))
	}
	g := newGroups(t, leaver.Ask, ids...)
	for _, id := range ids {
		g.refused[id] = true
	}
	all, err := json.Marshal(ids)
	require.NoError(t, err)
	for n := range 3 {
		g.after(time.Duration(n+1)*time.Hour, func() { g.signal(leaver.Answer, `{"step":"groups","choice":"retry","items":`+string(all)+`}`) })
	}
	g.after(5*time.Hour, func() { g.signal(leaver.Answer, `{"step":"groups","choice":"giveUp"}`) })
	step := g.ends(leaver.CompletedWithExceptions, user1).Steps[0]
	assert.Len(t, step.Decisions, 3, "two that name 900 items each, and one that names none")
	assert.Equal(t, 1, step.EarlierDecisions)
}

func TestTheSecondOfTwoDecisionsAtOnceIsRefused(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.letActivitiesFinish()
	o.whenStarted(leaver.ActivityDisableAccount, func() {
		o.signal(leaver.SkipStep, `{"step":"removeAllDevices","by":"first@contoso.com"}`)
		o.signal(leaver.SkipStep, `{"step":"removeAllDevices","by":"second@contoso.com"}`)
	})
	step := removal(o.ends(leaver.CompletedWithExceptions, adele))
	require.Len(t, step.Decisions, 1)
	assert.Equal(t, "first@contoso.com", step.Decisions[0].By)
	assert.Len(t, o.progress().Refused, 1)
}

func TestAWrongDecisionChangesNothingAndIsToldWhy(t *testing.T) {
	t.Parallel()
	o := newOffice(t).forbid("POST", "/revokeSignInSessions")
	for n, w := range []struct {
		action      leaver.Action
		input, want string
	}{
		{leaver.RetryStep, `{"step":"nowhere"}`, "step: the plan has no such step, want one of disableAccount, revokeSessions, removeAllDevices"},
		{leaver.RetryStep, onRemoval, "step: removeAllDevices is pending, and only a waiting step can be retried"},
		{leaver.RetryStep, `{"step":"disableAccount"}`, "step: disableAccount has ended (done)"},
		{leaver.RetryStep, `{}`, "step: is missing"},
		{leaver.RetryStep, `{"step":7}`, "step: has the wrong type"},
		{leaver.RetryStep, `{"step":"revokeSessions","now":true}`, "now: unknown field"},
		{leaver.RetryStep, `7`, "the input must be one JSON object"},
		{leaver.SkipStep, `{"step":"disableAccount"}`, "step: disableAccount has ended (done)"},
		{leaver.SkipStep, `{}`, "step: is missing"},
		{leaver.SkipStep, `{"step":""}`, "step: is missing"},
		{leaver.SkipStep, `{"step":"revokeSessions","when":"now"}`, "when: unknown field"},
		{leaver.SkipStep, `["revokeSessions"]`, "the input must be one JSON object"},
		{leaver.Abort, `{"step":"revokeSessions"}`, "step: abort ends the whole offboarding"},
		{leaver.Answer, `{"step":"revokeSessions","choice":"giveUp"}`, "step: revokeSessions asks nothing that a choice could answer"},
	} {
		var refused func() error
		minute := time.Duration(n+1) * time.Minute
		o.after(minute, func() { refused = o.update(w.action, w.input) })
		o.after(minute+time.Second, func() {
			assert.ErrorContains(t, refused(), w.want)
			assert.Empty(t, o.progress().Refused, "a refused update leaves no trace")
		})
		o.after(time.Hour+minute, func() { o.signal(w.action, w.input) })
		o.after(time.Hour+minute+time.Second, func() {
			p := o.progress()
			assert.Equal(t, leaver.Waiting, p.Status)
			require.Len(t, p.Refused, min(n+1, 10), "a stream of wrong signals is bounded")
			last := p.Refused[len(p.Refused)-1]
			assert.Equal(t, w.action, last.Action)
			assert.Contains(t, last.Why, w.want)
			assert.False(t, last.At.IsZero())
		})
	}
	o.after(2*time.Hour, o.CancelWorkflow)
	report := o.ends(leaver.CanceledStatus, adele)
	for _, step := range report.Steps {
		assert.Empty(t, step.Decisions)
	}
	assert.Nil(t, report.Aborted)
}

// Temporal's SDK drops a signal that it cannot decode, without a trace. A signal
// without an input is a decision that lacks its step, unless it is an abort.
func TestASignalThatIsNoJSONChangesNothingAndAnAbortNeedsNoInput(t *testing.T) {
	t.Parallel()
	o := newOffice(t).forbid("PATCH", "")
	broken := converter.NewRawValue(&commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`{"step":`)})
	o.after(time.Hour, func() { o.SignalWorkflow(string(leaver.RetryStep), broken) })
	o.after(2*time.Hour, func() {
		assert.Equal(t, leaver.Waiting, o.progress().Status)
		require.Len(t, o.progress().Refused, 1)
		assert.Contains(t, o.progress().Refused[0].Why, "cannot be read")
		o.signal(leaver.RetryStep, `{"step":"disableAccount"}`)
	})
	o.after(3*time.Hour, func() { o.SignalWorkflow(string(leaver.SkipStep), nil) })
	o.after(4*time.Hour, func() {
		require.Len(t, o.progress().Refused, 2)
		assert.Contains(t, o.progress().Refused[1].Why, "step: is missing", "it has not the input of the signal before")
		o.SignalWorkflow(string(leaver.Abort), nil)
	})
	assert.Len(t, o.ends(leaver.Aborted, adele).Steps[0].Decisions, 1)
}

// sealed is a codec that has lost its key.
type sealed struct{}

func (sealed) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) { return payloads, nil }

func (sealed) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	for _, p := range payloads {
		if string(p.Metadata[converter.MetadataEncoding]) == "binary/encrypted" {
			return nil, errors.New("no key")
		}
	}
	return payloads, nil
}

// An abort that cannot be read is none: it could have said anything.
func TestASignalInAnEncodingThatCannotBeReadIsRefusedAndDoesNothing(t *testing.T) {
	t.Parallel()
	encrypted := converter.NewRawValue(&commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("binary/encrypted")}, Data: []byte("\x01\x02")})
	for name, codecs := range map[string][]converter.PayloadCodec{"without the codec": nil, "without the key": {sealed{}}} {
		o := newOffice(t).forbid("PATCH", "")
		o.SetDataConverter(converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), codecs...))
		for n, action := range leaver.Actions() {
			o.after(time.Duration(n+1)*time.Hour, func() { o.SignalWorkflow(string(action), encrypted) })
			o.after(time.Duration(n+1)*time.Hour+time.Second, func() {
				p := o.progress()
				assert.Equal(t, leaver.Waiting, p.Status, name)
				require.Len(t, p.Refused, n+1, name)
				assert.Equal(t, action, p.Refused[n].Action)
				assert.Contains(t, p.Refused[n].Why, "cannot be read")
			})
		}
		o.after(8*time.Hour, func() {
			o.SignalWorkflow("abortt", encrypted)
			o.SignalWorkflow(string(leaver.SkipStep), encrypted)
			o.signal(leaver.SkipStep, `{"step":"disableAccount"}`)
			o.SignalWorkflow(string(leaver.SkipStep), encrypted)
		})
		o.ends(leaver.CompletedWithExceptions, adele)
		assert.Len(t, o.progress().Refused, len(leaver.Actions())+3, name)
	}
}

func TestADecisionBeforeThereIsAPlanIsRefused(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	refused := func() error { return nil }
	o.whenStarted(leaver.ActivityPlanOffboarding, func() {
		refused = o.update(leaver.SkipStep, onRemoval)
		o.signal(leaver.SkipStep, onRemoval)
	})
	assert.Equal(t, leaver.Done, removal(o.ends(leaver.Completed, adele)).Outcome)
	assert.ErrorContains(t, refused(), "the plan is not made yet")
	assert.Len(t, o.progress().Refused, 1)
}

// A step that is left out holds nothing back: devices must not be retired while
// it is still open whether the account can be disabled.
func TestDevicesWaitForTheAccountAlsoWhenAStepBetweenIsLeftOut(t *testing.T) {
	t.Parallel()
	const guest = "alex_example.com#EXT#@contoso.onmicrosoft.com"
	for request, status := range map[string]leaver.Status{
		`{"userId":"adele@contoso.com","steps":{"revokeSessions":{"skip":true}}}`: leaver.Completed, // what the request leaves out is no exception
		`{"userId":"` + guest + `"}`: leaver.Completed,
		adele:                        leaver.CompletedWithExceptions, // by a person
	} {
		o := newOffice(t).forbid("PATCH", "")
		alex := o.tenant.Users()[guest]
		alex.Devices = []graphsim.Device{{Name: "CONTOSO-LT-0500"}}
		o.tenant.Add(alex)
		if request == adele {
			o.after(time.Minute, func() { o.signal(leaver.SkipStep, `{"step":"revokeSessions"}`) })
		}
		o.after(time.Hour, func() {
			p := o.progress()
			assert.Equal(t, leaver.StepWaiting, p.Steps[0].State)
			assert.Equal(t, leaver.Skipped, p.Steps[1].Outcome, request)
			assert.Equal(t, leaver.StepPending, p.Steps[2].State)
			assert.Len(t, o.devices(), 4)
			assert.Len(t, o.tenant.Users()[guest].Devices, 1)
			o.tenant.Heal()
			o.signal(leaver.RetryStep, `{"step":"disableAccount"}`)
		})
		assert.Equal(t, "disableAccount done, revokeSessions skipped, removeAllDevices done", outcomes(o.ends(status, request)), request)
	}
}

func TestTwoStepsCanWaitForAPersonAtOnce(t *testing.T) {
	t.Parallel()
	o := newPlanned(t, single("left", "Refuse"), single("right", "Refuse"), single("last", "Succeed", "left", "right"))
	o.after(time.Hour, func() {
		assert.Len(t, o.progress().Waits, 2)
		o.signal(leaver.SkipStep, `{"step":"left"}`)
	})
	o.after(2*time.Hour, func() {
		p := o.progress()
		assert.Equal(t, leaver.Waiting, p.Status)
		require.Len(t, p.Waits, 1)
		assert.Equal(t, "right", p.Waits[0].Step)
		assert.Equal(t, leaver.StepPending, p.Steps[2].State)
		o.signal(leaver.SkipStep, `{"step":"right"}`)
	})
	assert.Equal(t, "left skipped, right skipped, last done", outcomes(o.ends(leaver.CompletedWithExceptions, user1)))
}

// Temporal drops all inputs of an update but those that its handler takes.
func TestAnUpdateWithSeveralInputsIsRefused(t *testing.T) {
	t.Parallel()
	o := newOffice(t).forbid("PATCH", "")
	var refused error
	o.after(time.Hour, func() {
		o.UpdateWorkflow(string(leaver.Abort), "U", &testsuite.TestUpdateCallback{
			OnAccept: func() { t.Error("it was accepted") }, OnReject: func(err error) { refused = err }, OnComplete: func(any, error) {},
		}, json.RawMessage(`{}`), json.RawMessage(`{"userId":"megan@contoso.com"}`))
	})
	o.after(2*time.Hour, func() {
		assert.ErrorContains(t, refused, "several were given")
		o.signal(leaver.Abort, `{}`)
	})
	o.ends(leaver.Aborted, adele)
}

func TestAsManyPeopleApproveAsAreNeeded(t *testing.T) {
	t.Parallel()
	o := newOffice(t, func(c *plugin.Config) { c.Guards.Approvals, c.Guards.Approvers = activities.ApproveAlways, 2 })
	var again func() error
	o.after(time.Hour, func() {
		o.signal(leaver.Approve, `{"by":"first@contoso.com"}`)
		again = o.update(leaver.Approve, `{"by":"FIRST@contoso.com"}`)
	})
	o.after(2*time.Hour, func() {
		assert.ErrorContains(t, again(), "has approved already")
		assert.Contains(t, o.progress().Waits[0].Why, "(1 of 2): the worker's configuration has such plans approved")
		assert.True(t, o.tenant.Users()[graphsim.Leaver].AccountEnabled)
		o.signal(leaver.Approve, `{"by":"second@contoso.com"}`)
	})
	assert.Len(t, o.ends(leaver.Completed, adele).Approval.Given, 2)
}

// While Graph is out of order, all that is known of the leaver is what the request says.
func TestAnOffboardingThatIsNotPlannedYetIsAbortedByTheSameID(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	id := "{" + strings.ToUpper(o.tenant.Users()[graphsim.Leaver].ID) + "}"
	o.tenant.Fail(graphsim.Fault{Method: "GET", Path: "/users/" + o.tenant.Users()[graphsim.Leaver].ID, Status: 503, Times: -1})
	o.after(time.Hour, func() { o.signal(leaver.Abort, `{"userId":"`+id+`"}`) })
	report := o.ends(leaver.Aborted, `{"userId":"`+id+`"}`)
	assert.Less(t, report.EndedAt.Sub(report.StartedAt), 2*time.Hour)
}
