package workflows_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
)

func TestAPersonCanRetry(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"signal", "update"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.forbid("PATCH", "")
			o.after(time.Hour, func() {
				p := o.progress()
				assert.Equal(t, leaver.Waiting, p.Status)
				require.Len(t, p.Waits, 1)
				assert.Equal(t, leaver.StepDisableAccount, p.Waits[0].Step)
				assert.Equal(t, leaver.WaitForPerson, p.Waits[0].For)
				assert.Equal(t, []leaver.Action{leaver.RetryStep, leaver.SkipStep, leaver.Abort}, p.Waits[0].Actions, "it offers no choices")
				o.tenant.Heal()
				const answer = `{"step":"disableAccount","by":"it@contoso.com","reason":"role assigned"}`
				if how == "signal" {
					o.signal(leaver.RetryStep, answer)
				} else {
					refused := o.update(leaver.RetryStep, answer)
					o.after(time.Second, func() { assert.NoError(t, refused()) })
				}
			})
			report, err := o.run(adele)
			require.NoError(t, err)
			assert.Equal(t, leaver.Completed, report.Status)
			first := report.Steps[0]
			require.Len(t, first.Decisions, 1)
			assert.Equal(t, "it@contoso.com", first.Decisions[0].By)
			assert.Equal(t, leaver.GraphForbidden, first.Failure.Type, "the report remembers why it waited")
		})
	}
}

func TestAPersonCanSkip(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.forbid("PATCH", "")
	o.after(time.Hour, func() {
		o.signal(leaver.SkipStep, `{"step":"removeAllDevices"}`) // one that has not begun
		o.signal(leaver.SkipStep, `{"step":"disableAccount"}`)   // the one that waits
	})
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	assert.Equal(t, "disableAccount skipped, revokeSessions done, removeAllDevices skipped", outcomes(report))
	users := o.tenant.Users()
	assert.True(t, users[graphsim.Leaver].AccountEnabled)
	assert.Len(t, users[graphsim.Leaver].Devices, 4)
}

func TestWhatTheRequestLeavesOutIsNoException(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	report, err := o.run(`{"userId":"adele@contoso.com","steps":{"removeAllDevices":{"skip":true}}}`)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.Equal(t, "disableAccount done, revokeSessions done, removeAllDevices skipped", outcomes(report))
	assert.Len(t, o.deviceIDs(), 4)
}

func TestAnAbortThatIsThereBeforeTheFirstTaskTouchesNothing(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"signal", "update"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			before := o.tenant.Users()
			answered := func() error { return nil }
			o.after(0, func() {
				if how == "signal" {
					o.signal(leaver.Abort, `{"by":"it@contoso.com"}`)
				} else {
					answered = o.update(leaver.Abort, `{"by":"it@contoso.com"}`)
				}
			})
			report, err := o.run(adele)
			assert.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete), "%v", err)
			assert.NoError(t, answered())
			assert.Equal(t, leaver.Aborted, report.Status)
			require.NotNil(t, report.Aborted)
			assert.Equal(t, "it@contoso.com", report.Aborted.By)
			assert.Equal(t, before, o.tenant.Users())
		})
	}
}

func TestAnAbortLetsARunningWriteFinish(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.letActivitiesFinish()
	o.whenStarted(leaver.ActivityRevokeSessions, func() { o.signal(leaver.Abort, `{"by":"it@contoso.com"}`) })
	report, err := o.run(adele)
	assert.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
	assert.Equal(t, leaver.Aborted, report.Status)
	assert.Equal(t, "disableAccount done, revokeSessions done, removeAllDevices notStarted", outcomes(report))
	assert.ErrorContains(t, err, "offboarding aborted: removeAllDevices was not started")
}

func TestAfterAnAbortNoFurtherDecisionIsTaken(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.forbid("PATCH", "")
	refused := map[leaver.Action]func() error{}
	o.after(time.Hour, func() {
		o.signal(leaver.Abort, `{"by":"first@contoso.com"}`)
		refused[leaver.RetryStep] = o.update(leaver.RetryStep, `{"step":"disableAccount"}`)
		refused[leaver.Abort] = o.update(leaver.Abort, `{"by":"second@contoso.com"}`)
	})
	report, err := o.run(adele)
	assert.Error(t, err)
	assert.Equal(t, "first@contoso.com", report.Aborted.By)
	assert.Empty(t, report.Steps[0].Decisions)
	for action, why := range refused {
		assert.Error(t, why(), action)
	}
}

// The activity cannot be stopped any more; when it then fails, the person's
// answer is there already.
func TestAStepThatIsSkippedWhileItRunsAndThenFailsIsNotAskedAboutAgain(t *testing.T) {
	t.Parallel()
	for _, onFailure := range []string{"ask", "continue", "fail"} {
		t.Run(onFailure, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.letActivitiesFinish()
			o.forbid("POST", "/revokeSignInSessions")
			o.whenStarted(leaver.ActivityRevokeSessions, func() { o.signal(leaver.SkipStep, `{"step":"revokeSessions"}`) })
			report, err := o.run(`{"userId":"adele@contoso.com","onFailure":"` + onFailure + `"}`)
			require.NoError(t, err)
			assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
			assert.Equal(t, "disableAccount done, revokeSessions skipped, removeAllDevices done", outcomes(report))
			assert.Equal(t, leaver.GraphForbidden, report.Steps[1].Failure.Type, "what went wrong is not forgotten")
		})
	}
}

func TestAStepThatIsSkippedWhileItRunsAndSucceedsIsDone(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.letActivitiesFinish()
	o.whenStarted(leaver.ActivityRevokeSessions, func() { o.signal(leaver.SkipStep, `{"step":"revokeSessions"}`) })
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.Equal(t, leaver.Done, report.Steps[1].Outcome, "the report says what was seen")
	assert.Len(t, report.Steps[1].Decisions, 1)
}

func TestAWaitForDevicesThatIsSkippedIsStopped(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"signal", "update"} {
		o := newOffice(t)
		o.tenant.Add(neverCheckingIn(o.tenant))
		o.after(10*24*time.Hour, func() {
			p := o.progress()
			assert.Equal(t, leaver.Running, p.Status)
			require.Len(t, p.Waits, 1)
			assert.Equal(t, leaver.WaitForDevices, p.Waits[0].For)
			assert.Equal(t, []leaver.Action{leaver.SkipStep, leaver.Abort}, p.Waits[0].Actions)
			const input = `{"step":"removeAllDevices","by":"it@contoso.com","reason":"broken laptop"}`
			if how == "signal" {
				o.signal(leaver.SkipStep, input)
			} else {
				o.update(leaver.SkipStep, input)
			}
		})
		report, err := o.run(adele)
		require.NoError(t, err)
		assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
		step := removal(report)
		assert.Equal(t, leaver.Skipped, step.Outcome)
		assert.Equal(t, "left out by a decision", step.Detail)
		require.Len(t, step.Decisions, 1)
		assert.Equal(t, leaver.Decision{Step: "removeAllDevices", By: "it@contoso.com", Reason: "broken laptop"}, step.Decisions[0].Decision)
		assert.Equal(t, leaver.SkipStep, step.Decisions[0].Action)
		assert.Equal(t, report.EndedAt, step.Decisions[0].At)
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

func TestEveryDecisionAboutAStepIsRecordedInOrder(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.forbid("PATCH", "")
	o.after(1*time.Hour, func() { o.signal(leaver.RetryStep, `{"step":"disableAccount","by":"a@contoso.com"}`) })
	o.after(2*time.Hour, func() { o.signal(leaver.RetryStep, `{"step":"disableAccount","by":"b@contoso.com"}`) })
	o.after(3*time.Hour, func() {
		o.signal(leaver.SkipStep, `{"step":"disableAccount","by":"c@contoso.com","reason":"break glass"}`)
	})
	report, err := o.run(adele)
	require.NoError(t, err)
	var decided []string
	for _, d := range report.Steps[0].Decisions {
		decided = append(decided, fmt.Sprint(d.Action, " ", d.By, " ", d.At.Sub(report.StartedAt).Round(time.Hour)))
	}
	assert.Equal(t, []string{"retryStep a@contoso.com 1h0m0s", "retryStep b@contoso.com 2h0m0s", "skipStep c@contoso.com 3h0m0s"}, decided)
	assert.Equal(t, leaver.Skipped, report.Steps[0].Outcome)
	assert.True(t, o.tenant.Users()[graphsim.Leaver].AccountEnabled)
}

// Whoever sends decisions without end does not make an offboarding that cannot go on.
func TestTheLastHundredDecisionsAboutAStepAreKept(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.forbid("PATCH", "")
	for n := range 120 {
		o.after(time.Duration(n+1)*time.Hour, func() { o.signal(leaver.RetryStep, fmt.Sprintf(`{"step":"disableAccount","by":"%d"}`, n)) })
	}
	o.after(200*time.Hour, func() { o.signal(leaver.Abort, `{}`) })
	report, err := o.run(adele)
	require.Error(t, err)
	step := report.Steps[0]
	require.Len(t, step.Decisions, 100)
	assert.Equal(t, 20, step.EarlierDecisions)
	assert.Equal(t, "20", step.Decisions[0].By)
}

func TestDecisionsThatNameManyItemsAreKeptWhileThereIsRoom(t *testing.T) {
	t.Parallel()
	items := make([]leaver.Item, 900)
	for i := range items {
		items[i] = leaver.Item{ID: fmt.Sprint(i), Outcome: leaver.Failed, Failure: leaver.GraphForbidden, Detail: "not allowed"}
	}
	o := newPlanned(t, leaver.Step{Name: "groups", Shape: leaver.Each, Activity: "List", Change: "Never", OnFailure: leaver.Ask})
	o.does("List", leaver.StepResult{Items: items}, nil)
	o.changes("Never", leaver.Item{}, leaver.Failure{Type: leaver.GraphForbidden, Message: "not allowed"}.Err())
	ids := make([]string, len(items))
	for i := range ids {
		ids[i] = fmt.Sprint(i)
	}
	all, err := json.Marshal(ids)
	require.NoError(t, err)
	for n := range 3 {
		o.after(time.Duration(n+1)*time.Hour, func() { o.signal(leaver.Answer, `{"step":"groups","choice":"retry","items":`+string(all)+`}`) })
	}
	o.after(5*time.Hour, func() { o.signal(leaver.Answer, `{"step":"groups","choice":"giveUp"}`) })
	report, err := o.run(`{"userId":"1"}`)
	require.NoError(t, err)
	assert.Len(t, report.Steps[0].Decisions, 3, "two that name 900 items each, and one that names none")
	assert.Equal(t, 1, report.Steps[0].EarlierDecisions)
}

func TestTheSecondOfTwoDecisionsAtOnceIsRefused(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.letActivitiesFinish()
	o.whenStarted(leaver.ActivityDisableAccount, func() {
		o.signal(leaver.SkipStep, `{"step":"removeAllDevices","by":"first@contoso.com"}`)
		o.signal(leaver.SkipStep, `{"step":"removeAllDevices","by":"second@contoso.com"}`)
	})
	report, err := o.run(adele)
	require.NoError(t, err)
	require.Len(t, removal(report).Decisions, 1)
	assert.Equal(t, "first@contoso.com", removal(report).Decisions[0].By)
	assert.Len(t, o.progress().Refused, 1)
}

func TestAWrongDecisionChangesNothingAndIsToldWhy(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.forbid("POST", "/revokeSignInSessions")
	wrong := []struct {
		action      leaver.Action
		input, want string
	}{
		{leaver.RetryStep, `{"step":"nowhere"}`, "step: the plan has no such step, want one of disableAccount, revokeSessions, removeAllDevices"},
		{leaver.RetryStep, `{"step":"removeAllDevices"}`, "step: removeAllDevices is pending, and only a waiting step can be retried"},
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
	}
	for n, w := range wrong {
		var refused func() error
		o.after(time.Duration(n+1)*time.Minute, func() { refused = o.update(w.action, w.input) })
		o.after(time.Duration(n+1)*time.Minute+time.Second, func() {
			assert.ErrorContains(t, refused(), w.want)
			assert.Empty(t, o.progress().Refused, "a refused update leaves no trace")
		})
	}
	for n, w := range wrong {
		o.after(time.Hour+time.Duration(n)*time.Minute, func() { o.signal(w.action, w.input) })
		o.after(time.Hour+time.Duration(n)*time.Minute+time.Second, func() {
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
	report, _ := o.run(adele)
	for _, step := range report.Steps {
		assert.Empty(t, step.Decisions)
	}
	assert.Nil(t, report.Aborted)
}

// Temporal's SDK drops a signal that it cannot decode, and refuses such an update.
func TestASignalThatIsNoJSONChangesNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.forbid("PATCH", "")
	broken := converter.NewRawValue(&commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`{"step":`)})
	o.after(time.Hour, func() { o.SignalWorkflow(string(leaver.RetryStep), broken) })
	o.after(2*time.Hour, func() {
		assert.Equal(t, leaver.Waiting, o.progress().Status)
		o.tenant.Heal()
		o.signal(leaver.RetryStep, `{"step":"disableAccount"}`)
	})
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Len(t, report.Steps[0].Decisions, 1)
}

func TestADecisionWithoutInputIsRefusedAndAnAbortNeedsNone(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.forbid("PATCH", "")
	o.after(time.Hour, func() { o.SignalWorkflow(string(leaver.SkipStep), nil) })
	o.after(2*time.Hour, func() {
		assert.Len(t, o.progress().Refused, 1)
		o.SignalWorkflow(string(leaver.Abort), nil)
	})
	report, err := o.run(adele)
	assert.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
	assert.Equal(t, leaver.Aborted, report.Status)
}

func TestADecisionBeforeThereIsAPlanIsRefused(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	refused := func() error { return nil }
	o.whenStarted(leaver.ActivityPlanOffboarding, func() {
		refused = o.update(leaver.SkipStep, `{"step":"removeAllDevices"}`)
		o.signal(leaver.SkipStep, `{"step":"removeAllDevices"}`)
	})
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.ErrorContains(t, refused(), "the plan is not made yet")
	assert.Equal(t, leaver.Done, removal(report).Outcome)
	assert.Len(t, o.progress().Refused, 1)
}

// A step that is left out holds nothing back: devices must not be retired while
// it is still open whether the account can be disabled.
func TestDevicesWaitForTheAccountAlsoWhenAStepBetweenIsLeftOut(t *testing.T) {
	t.Parallel()
	const guest = "alex_example.com#EXT#@contoso.onmicrosoft.com"
	for name, request := range map[string]string{
		"by the request": `{"userId":"adele@contoso.com","steps":{"revokeSessions":{"skip":true}}}`,
		"for a guest":    `{"userId":"` + guest + `"}`,
		"by a person":    adele,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			alex := o.tenant.Users()[guest]
			alex.Devices = []graphsim.Device{{Name: "CONTOSO-LT-0500"}}
			o.tenant.Add(alex)
			o.forbid("PATCH", "")
			if name == "by a person" {
				o.after(time.Minute, func() { o.signal(leaver.SkipStep, `{"step":"revokeSessions"}`) })
			}
			o.after(time.Hour, func() {
				p := o.progress()
				assert.Equal(t, leaver.StepWaiting, p.Steps[0].State)
				assert.Equal(t, leaver.Skipped, p.Steps[1].Outcome)
				assert.Equal(t, leaver.StepPending, p.Steps[2].State)
				assert.Len(t, o.tenant.Users()[graphsim.Leaver].Devices, 4)
				assert.Len(t, o.tenant.Users()[guest].Devices, 1)
				o.tenant.Heal()
				o.signal(leaver.RetryStep, `{"step":"disableAccount"}`)
			})
			report, err := o.run(request)
			require.NoError(t, err)
			assert.Equal(t, "disableAccount done, revokeSessions skipped, removeAllDevices done", outcomes(report))
		})
	}
}

func TestTwoStepsCanWaitForAPersonAtOnce(t *testing.T) {
	t.Parallel()
	o := newPlanned(t, single("left", "Refuse"), single("right", "Refuse"),
		leaver.Step{Name: "last", Shape: leaver.Single, Activity: "Succeed", OnFailure: leaver.Ask, After: []string{"left", "right"}})
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
	report, err := o.run(`{"userId":"1"}`)
	require.NoError(t, err)
	assert.Equal(t, "left skipped, right skipped, last done", outcomes(report))
}

// A decision and a retry that come in one workflow task.
func TestADecisionAboutOneDeviceIsNotOvertakenByOneAboutAll(t *testing.T) {
	t.Parallel()
	o, _ := approving(t)
	ids := o.deviceIDs()
	o.after(30*time.Minute, func() {
		o.decide(ids[0], "rejected")
		o.decide(ids[1], "rejected")
	})
	o.after(2*time.Hour, func() {
		o.tenant.Configure(graphsim.Settings{})
		o.SignalWorkflowSkippingWorkflowTask(string(leaver.Answer), json.RawMessage(`{"step":"removeAllDevices","choice":"giveUp","items":["`+ids[1]+`"]}`))
		o.signal(leaver.RetryStep, `{"step":"removeAllDevices"}`)
	})
	report, err := o.run(wipeWindows)
	require.NoError(t, err)
	assert.Equal(t, ids[:1], o.tenant.Wiped(), "a person has given the other up before the retry")
	assert.True(t, slices.ContainsFunc(removal(report).Items, func(i leaver.Item) bool { return i.ID == ids[1] && i.Device.Verdict == leaver.GivenUp }))
}
