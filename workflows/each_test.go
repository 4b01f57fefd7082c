package workflows_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
)

// groups is an office with a host's own step of shape Each. Its items are to be changed,
// until somebody has; those in refused are refused meanwhile. The names of the changes
// that were made are appended to changed.
type groups struct {
	*office
	mu      sync.Mutex
	left    []string
	refused map[string]bool
	changed []string
}

func newGroups(t *testing.T, onFailure leaver.OnFailure, names ...string) *groups {
	g := &groups{left: names, refused: map[string]bool{}}
	steps := []leaver.Step{{Name: "groups", Shape: leaver.Each, Activity: "List", Change: "Leave", Summary: "Leave the groups", OnFailure: onFailure}}
	g.office = newPlanned(t, steps...)
	plain := g.register
	g.register = func(e registry) {
		plain(e)
		e.RegisterActivityWithOptions(g.list, activity.RegisterOptions{Name: "List"})
		e.RegisterActivityWithOptions(g.leave, activity.RegisterOptions{Name: "Leave"})
	}
	g.register(g.TestWorkflowEnvironment)
	return g
}

func (g *groups) list(_ context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refused["list"] {
		return leaver.StepResult{}, leaver.Failure{Type: leaver.GraphForbidden, Message: "List: not allowed"}.Err()
	}
	var result leaver.StepResult
	for _, name := range g.left {
		result.Items = append(result.Items, leaver.Item{ID: name})
	}
	return result, nil
}

func (g *groups) leave(_ context.Context, request leaver.ItemRequest) (leaver.Item, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refused[request.Item.ID] {
		return leaver.Item{}, leaver.Failure{Type: leaver.GraphForbidden, Message: "Leave: not allowed"}.Err()
	}
	g.changed = append(g.changed, request.Item.ID)
	g.left = slices.DeleteFunc(g.left, func(name string) bool { return name == request.Item.ID })
	return leaver.Item{ID: request.Item.ID, Outcome: leaver.Done}, nil
}

func (g *groups) allow() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.refused)
}

// user1 is the request for the leaver of newPlanned.
const user1 = `{"userId":"1"}`

// itemOutcomes is how each item of a step ended, by id.
func itemOutcomes(s leaver.StepRecord) map[string]leaver.Outcome {
	all := map[string]leaver.Outcome{}
	for _, i := range s.Items {
		all[i.ID] = i.Outcome
	}
	return all
}

func TestAnAnswerIsActedOnAtOnceAndTheStepGoesOnWhenThereIsOneForEachItem(t *testing.T) {
	t.Parallel()
	g := newGroups(t, leaver.Ask, "d1", "d2", "d3")
	g.refused["d1"], g.refused["d2"] = true, true
	g.after(time.Hour, func() {
		p := g.progress()
		require.Len(t, p.Waits, 1)
		assert.Contains(t, p.Waits[0].Actions, leaver.Answer)
		assert.Equal(t, []leaver.Choice{leaver.Retry, leaver.GiveUp}, p.Waits[0].Choices)
		assert.Contains(t, g.currentDetails(), "retry|giveUp")
		assert.Equal(t, map[string]leaver.Outcome{"d1": leaver.Failed, "d2": leaver.Failed, "d3": leaver.Done}, itemOutcomes(p.Steps[0]))
		assert.Equal(t, leaver.GraphForbidden, p.Steps[0].Failure.Type)
		g.allow()
		g.signal(leaver.Answer, `{"step":"groups","choice":"retry","items":["d2"],"by":"it@contoso.com"}`)
	})
	g.after(2*time.Hour, func() {
		p := g.progress()
		assert.Equal(t, leaver.Waiting, p.Status, "there is no answer for d1")
		assert.Equal(t, map[string]leaver.Outcome{"d1": leaver.Failed, "d2": leaver.Done, "d3": leaver.Done}, itemOutcomes(p.Steps[0]))
		g.signal(leaver.Answer, `{"step":"groups","choice":"giveUp"}`)
	})
	report, err := g.run(user1)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status, "something was given up")
	assert.Equal(t, map[string]leaver.Outcome{"d1": leaver.Skipped, "d2": leaver.Done, "d3": leaver.Done}, itemOutcomes(report.Steps[0]))
	assert.Equal(t, []string{"d3", "d2"}, g.changed)
	require.Len(t, report.Steps[0].Decisions, 2)
	assert.Equal(t, "it@contoso.com", report.Steps[0].Decisions[0].By)
	assert.Equal(t, []string{"d2"}, report.Steps[0].Decisions[0].Items)
}

func TestAnAnswerThatDoesNotFitIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	g := newGroups(t, leaver.Ask, "d1", "d2", "d3")
	g.refused["d1"], g.refused["d2"] = true, true
	want := map[string]string{
		`{"step":"groups","choice":"wipe"}`:                            "choice: groups offers retry, giveUp",
		`{"step":"groups","choice":"giveUp","items":["d3"]}`:           "items: groups does not ask about all of these",
		`{"step":"groups","choice":"giveUp","items":["d1","nothing"]}`: "items: groups has no item with one of these ids",
		`{"step":"groups"}`:                                "choice: is missing",
		`{"step":"nothing","choice":"giveUp"}`:             "step: the plan has no such step",
		`{"step":"groups","choice":"giveUp","items":"d1"}`: "items: has the wrong type",
	}
	refusals := map[string]func() error{}
	g.after(time.Hour, func() {
		for input := range want {
			refusals[input] = g.update(leaver.Answer, input)
		}
	})
	g.after(2*time.Hour, func() {
		for input, refused := range refusals {
			assert.ErrorContains(t, refused(), want[input], input)
		}
		assert.Equal(t, leaver.Failed, g.progress().Steps[0].Items[0].Outcome)
		g.signal(leaver.SkipStep, `{"step":"groups"}`)
	})
	report, err := g.run(user1)
	require.NoError(t, err)
	assert.Equal(t, leaver.Skipped, report.Steps[0].Outcome)
	assert.Equal(t, map[string]leaver.Outcome{"d1": leaver.Failed, "d2": leaver.Failed, "d3": leaver.Done}, itemOutcomes(report.Steps[0]), "left out does not mean forgotten")
	assert.Equal(t, []string{"d3"}, g.changed)
}

// A retry is for what failed. What somebody has decided about an item holds, or
// it would be touched though it was given up.
func TestARetryKeepsWhatWasDecidedAndWhatWasDone(t *testing.T) {
	t.Parallel()
	g := newGroups(t, leaver.Ask, "d1", "d2", "d3")
	g.refused["d1"], g.refused["d2"] = true, true
	g.after(time.Hour, func() {
		g.allow()
		g.signal(leaver.Answer, `{"step":"groups","choice":"giveUp","items":["d1"]}`)
		g.signal(leaver.RetryStep, `{"step":"groups"}`)
	})
	report, err := g.run(user1)
	require.NoError(t, err)
	assert.Equal(t, map[string]leaver.Outcome{"d1": leaver.Skipped, "d2": leaver.Done, "d3": leaver.Done}, itemOutcomes(report.Steps[0]))
	assert.Equal(t, []string{"d3", "d2"}, g.changed)
}

func TestWithoutPeopleAnItemThatFailedFailsTheStep(t *testing.T) {
	t.Parallel()
	for _, onFailure := range []leaver.OnFailure{leaver.Continue, leaver.Fail} {
		g := newGroups(t, onFailure, "d1", "d2")
		g.refused["d1"] = true
		report, err := g.run(user1)
		assert.ErrorContains(t, err, "offboarding incomplete: groups failed (GraphForbidden)")
		assert.Equal(t, map[string]leaver.Outcome{"d1": leaver.Failed, "d2": leaver.Done}, itemOutcomes(report.Steps[0]))
	}
}

// A list that cannot be read is a question about the step, before the changes and after.
func TestAListThatCannotBeReadIsAQuestion(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before", "after"} {
		g := newGroups(t, leaver.Ask, "d1")
		g.refused["list"] = when == "before"
		g.whenStarted("Leave", func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.refused["list"] = when == "after"
		})
		g.after(time.Hour, func() {
			p := g.progress()
			assert.Equal(t, leaver.StepWaiting, p.Steps[0].State)
			assert.Equal(t, leaver.GraphForbidden, p.Steps[0].Failure.Type)
			assert.Equal(t, when == "after", len(g.changed) == 1)
			g.allow()
			g.signal(leaver.RetryStep, `{"step":"groups"}`)
		})
		report, err := g.run(user1)
		require.NoError(t, err)
		assert.Equal(t, leaver.Done, report.Steps[0].Outcome)
		assert.Equal(t, []string{"d1"}, g.changed)
	}
}

// Ten begin at a time. One for which Microsoft does not answer for a minute frees its
// place.
func TestItemsForWhichMicrosoftFailsHoldUpNoOther(t *testing.T) {
	t.Parallel()
	for _, broken := range []int{1, 10} {
		var names []string
		for i := range 35 {
			names = append(names, fmt.Sprint(i))
		}
		g := newGroups(t, leaver.Ask)
		g.left = names
		atWork, most := 0, 0
		g.RegisterActivityWithOptions(func(ctx context.Context, request leaver.ItemRequest) (leaver.Item, error) {
			if slices.Contains(names[:broken], request.Item.ID) {
				return leaver.Item{}, leaver.Failure{Type: leaver.GraphUnavailable, Message: "Leave: trying again", Waits: true}.Err()
			}
			return g.leave(ctx, request)
		}, activity.RegisterOptions{Name: "Leave", DisableAlreadyRegisteredCheck: true})
		names = slices.Clone(names)
		g.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
			if info.ActivityType.Name == "Leave" && info.Attempt == 1 {
				atWork++
				most = max(most, atWork)
			}
		})
		g.SetOnActivityCompletedListener(func(info *activity.Info, _ converter.EncodedValue, _ error) {
			if info.ActivityType.Name == "Leave" {
				atWork--
			}
		})
		g.after(30*time.Second, func() { assert.LessOrEqual(t, most, 10) })
		g.after(5*time.Minute, func() { assert.Len(t, g.changed, 35-broken) })
		g.after(25*time.Hour, func() {
			p := g.progress()
			assert.Equal(t, leaver.StepWaiting, p.Steps[0].State)
			for _, item := range p.Steps[0].Items[:broken] {
				assert.Equal(t, leaver.Failed, item.Outcome)
				assert.Equal(t, leaver.GraphUnavailable, item.Failure)
			}
			g.signal(leaver.Answer, `{"step":"groups","choice":"giveUp"}`)
		})
		report, err := g.run(user1)
		require.NoError(t, err)
		assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	}
}

// Microsoft lists an item again that it has said is changed.
func TestAnItemThatComesBackIsAQuestionInTheEnd(t *testing.T) {
	t.Parallel()
	o := newPlanned(t, leaver.Step{Name: "groups", Shape: leaver.Each, Activity: "List", Change: "Leave", OnFailure: leaver.Ask})
	o.does("List", leaver.StepResult{Items: []leaver.Item{{ID: "d1"}}}, nil)
	o.changes("Leave", leaver.Item{Outcome: leaver.Done}, nil)
	ended := o.countActivities()
	o.after(time.Hour, func() {
		p := o.progress()
		require.Equal(t, leaver.StepWaiting, p.Steps[0].State)
		assert.Contains(t, p.Steps[0].Items[0].Detail, "Microsoft lists it again")
		assert.Less(t, *ended, 10)
		o.signal(leaver.Answer, `{"step":"groups","choice":"giveUp"}`)
	})
	report, err := o.run(user1)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
}

// The change of the first item always answers 500: the others are changed, and after
// the step's patience there is a question about that item alone.
func TestTheOptionalStepsAskAboutTheItemThatFailsAndChangeTheOthers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, path string
		left         func(graphsim.User) int
	}{
		leaver.StepWipeManagedAppRegistrations: {"POST", "/wipeManagedAppRegistrationsByDeviceTag", func(u graphsim.User) int { return len(u.AppRegistrations) }},
		leaver.StepDeleteAutopilotIdentities:   {"DELETE", "/windowsAutopilotDeviceIdentities/ap-A", func(u graphsim.User) int { return len(u.Autopilot) }},
		leaver.StepDisableEntraDevices: {"PATCH", "/devices/entra-A", func(u graphsim.User) int {
			return len(slices.DeleteFunc(slices.Clone(u.EntraDevices), func(d graphsim.EntraDevice) bool { return !d.AccountEnabled }))
		}},
		leaver.StepDeleteEntraDevices: {"DELETE", "/devices/entra-A", func(u graphsim.User) int { return len(u.EntraDevices) }},
	} {
		for _, choice := range []leaver.Choice{leaver.Retry, leaver.GiveUp} {
			t.Run(name+" "+string(choice), func(t *testing.T) {
				t.Parallel()
				o := newOffice(t)
				user := o.tenant.Users()[graphsim.Leaver]
				user.Devices, user.EntraDevices = nil, nil
				for _, n := range []string{"A", "B", "C"} {
					d := graphsim.Device{ID: "md-" + n, Name: n, OperatingSystem: "Windows", AzureADDeviceID: uuid.NewString(), SerialNumber: "SN-" + n}
					user.Devices = append(user.Devices, d)
					user.EntraDevices = append(user.EntraDevices, graphsim.EntraDevice{ID: "entra-" + n, DeviceID: d.AzureADDeviceID, OperatingSystem: "Windows", AccountEnabled: true})
					user.AppRegistrations = append(user.AppRegistrations, graphsim.AppRegistration{ID: "app-" + n, DeviceTag: "tag-" + n})
					if name == leaver.StepDeleteAutopilotIdentities {
						user.Autopilot = append(user.Autopilot, graphsim.AutopilotIdentity{ID: "ap-" + n, SerialNumber: d.SerialNumber, ManagedDeviceID: d.ID})
					}
				}
				o.tenant.Add(user)
				// Intune is asked hourly, or the test would take as long as the week does.
				o.tenant.Fail(graphsim.Fault{Method: c.method, Path: c.path, Status: 500, Times: -1, RetryAfter: "3600"})
				left := func() int { return c.left(o.tenant.Users()[graphsim.Leaver]) }
				var step leaver.StepRecord
				o.after(time.Hour, func() {
					step = o.progress().Steps[slices.IndexFunc(o.progress().Steps, func(s leaver.StepRecord) bool { return s.Name == name })]
					assert.Equal(t, leaver.StepRunning, step.State)
					if name != leaver.StepWipeManagedAppRegistrations { // whose calls all have one path
						assert.Equal(t, 1, left())
					}
					patience := max(time.Duration(step.Patience), 24*time.Hour)
					o.after(patience, func() {
						p := o.progress()
						at := slices.IndexFunc(p.Steps, func(s leaver.StepRecord) bool { return s.Name == name })
						step = p.Steps[at]
						require.Equal(t, leaver.StepWaiting, step.State)
						assert.Equal(t, leaver.GraphUnavailable, step.Failure.Type)
						for _, item := range step.Items {
							if item.Outcome == leaver.Done {
								continue
							}
							assert.Equal(t, leaver.Failed, item.Outcome)
							assert.Equal(t, leaver.GraphUnavailable, item.Failure)
						}
						o.tenant.Heal()
						o.signal(leaver.Answer, fmt.Sprintf(`{"step":%q,"choice":%q}`, name, choice))
					})
				})
				report, err := o.run(fmt.Sprintf(`{"userId":"adele@contoso.com","steps":{%q:{"include":true}}}`, name))
				require.NoError(t, err)
				if choice == leaver.Retry {
					assert.Equal(t, leaver.Completed, report.Status)
					assert.Zero(t, left())
				} else {
					assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
					assert.NotZero(t, left())
				}
			})
		}
	}
}

// What was changed is in the report, whoever ends the step meanwhile.
func TestWhatWasDeletedIsInTheReportWhoeverStopsTheStep(t *testing.T) {
	t.Parallel()
	for _, finish := range []bool{true, false} {
		o := newOffice(t)
		if finish {
			o.letActivitiesFinish()
		}
		user := o.tenant.Users()[graphsim.Leaver]
		user.Devices = nil
		for i := range 15 {
			d := graphsim.Device{ID: fmt.Sprint("md-", i), Name: fmt.Sprint(i), OperatingSystem: "Windows", SerialNumber: fmt.Sprintf("SN-%02d", i)}
			user.Devices = append(user.Devices, d)
			user.Autopilot = append(user.Autopilot, graphsim.AutopilotIdentity{ID: fmt.Sprint("ap-", i), SerialNumber: d.SerialNumber, ManagedDeviceID: d.ID})
		}
		o.tenant.Add(user)
		n := 0
		o.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
			if info.ActivityType.Name == leaver.ActivityDeleteAutopilotIdentity {
				if n++; n == 12 {
					o.signal(leaver.Abort, `{}`)
				}
			}
		})
		report, err := o.run(`{"userId":"adele@contoso.com","steps":{"deleteAutopilotIdentities":{"include":true}}}`)
		require.Error(t, err)
		step := report.Steps[3]
		assert.Equal(t, leaver.Canceled, step.Outcome)
		require.Len(t, step.Items, 15)
		left := map[string]bool{}
		for _, a := range o.tenant.Users()[graphsim.Leaver].Autopilot {
			left[a.ID] = true
		}
		for _, item := range step.Items {
			switch {
			case !left[item.ID]:
				assert.NotEmpty(t, item.Outcome, "its identity was deleted")
				assert.True(t, !finish || item.Outcome == leaver.Done)
			default:
				assert.NotEqual(t, leaver.Done, item.Outcome)
			}
		}
	}
}
