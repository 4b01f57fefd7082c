package workflows_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
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
	step := leaver.Step{Name: "groups", Shape: leaver.Each, Activity: "List", Change: "Leave", Summary: "Leave the groups", OnFailure: onFailure}
	g.office = newPlanned(t, step)
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
func itemOutcomes(s leaver.StepRecord) string {
	var all []string
	for _, i := range s.Items {
		all = append(all, i.ID+" "+string(i.Outcome))
	}
	return strings.Join(all, ", ")
}

func TestItemsThatCannotBeChangedAreAskedAbout(t *testing.T) {
	t.Parallel()
	nobody := func(*groups) schedule { return nil }
	const giveUp = `{"step":"groups","choice":"giveUp"}`
	stand := func(when time.Duration, status leaver.Status, stand string) event {
		return at(when, func(o *office) {
			assert.Equal(o.t, status, o.progress().Status)
			assert.Equal(o.t, stand, itemOutcomes(o.progress().Steps[0]))
		})
	}
	for name, c := range map[string]struct {
		onFailure leaver.OnFailure
		refused   []string
		schedule  func(*groups) schedule
		status    leaver.Status
		end       string
		changed   []string
	}{
		"an answer is acted on at once, and the step goes on when there is one for each item": {leaver.Ask, []string{"d1", "d2"}, func(g *groups) schedule {
			return schedule{at(h, func(o *office) {
				assert.Equal(t, "person [retryStep skipStep abort answer] [retry giveUp]", waits(o.progress()))
				assert.Contains(t, o.currentDetails(), "retry|giveUp")
				assert.Equal(t, leaver.GraphForbidden, o.progress().Steps[0].Failure.Type)
				g.allow()
			}), stand(h, leaver.Waiting, "d1 failed, d2 failed, d3 done"),
				signals(h, leaver.Answer, `{"step":"groups","choice":"retry","items":["d2"],"by":"it@contoso.com"}`),
				stand(2*h, leaver.Waiting, "d1 failed, d2 done, d3 done"), at(2*h, func(o *office) {
					decision := leaver.Decision{Step: "groups", Choice: leaver.Retry, Items: []string{"d2"}, By: "it@contoso.com"}
					assert.Equal(t, decision, o.progress().Steps[0].Decisions[0].Decision)
				}), signals(2*h, leaver.Answer, giveUp)}
		}, leaver.CompletedWithExceptions, "d1 skipped, d2 done, d3 done", []string{"d3", "d2"}},
		"an answer that does not fit is refused and changes nothing": {leaver.Ask, []string{"d1", "d2"}, func(g *groups) schedule {
			return schedule{
				refuses(h, leaver.Answer, `{"step":"groups","choice":"waitLonger"}`, "choice: groups offers retry, giveUp"),
				refuses(h, leaver.Answer, `{"step":"groups","choice":"giveUp","items":["d3"]}`, "items: groups does not ask about all of these"),
				refuses(h, leaver.Answer, `{"step":"groups","choice":"giveUp","items":["d1","nothing"]}`, "items: groups has no item with one of these ids"),
				refuses(h, leaver.Answer, `{"step":"groups"}`, "choice: is missing"),
				refuses(h, leaver.Answer, `{"step":"nothing","choice":"giveUp"}`, "step: the plan has no such step"),
				refuses(h, leaver.Answer, `{"step":"groups","choice":"giveUp","items":"d1"}`, "items: has the wrong type"),
				stand(2*h, leaver.Waiting, "d1 failed, d2 failed, d3 done"), signals(2*h, leaver.SkipStep, `{"step":"groups"}`)}
		}, leaver.CompletedWithExceptions, "d1 failed, d2 failed, d3 done", []string{"d3"}}, // left out does not mean forgotten
		// What somebody has decided about an item holds, or it would be touched though it was given up.
		"a retry keeps what was decided and what was done": {leaver.Ask, []string{"d1", "d2"}, func(g *groups) schedule {
			return schedule{at(h, func(*office) { g.allow() }), signals(h, leaver.Answer, `{"step":"groups","choice":"giveUp","items":["d1"]}`),
				signals(h, leaver.RetryStep, `{"step":"groups"}`)}
		}, leaver.CompletedWithExceptions, "d1 skipped, d2 done, d3 done", []string{"d3", "d2"}},
		"without people an item that failed fails the step": {leaver.Continue, []string{"d1"}, nobody,
			leaver.Incomplete, "d1 failed, d2 done, d3 done", []string{"d2", "d3"}},
		"without people one that failed fails it all": {leaver.Fail, []string{"d1"}, nobody,
			leaver.Incomplete, "d1 failed, d2 done, d3 done", []string{"d2", "d3"}},
		"a list that cannot be read before the changes is a question": {leaver.Ask, []string{"list"}, func(g *groups) schedule { return g.unlisted("") },
			leaver.Completed, "d1 done, d2 done, d3 done", []string{"d1", "d2", "d3"}},
		"a list that cannot be read after the changes is a question": {leaver.Ask, nil, func(g *groups) schedule {
			g.whenStarted("Leave", func() {
				g.mu.Lock()
				defer g.mu.Unlock()
				g.refused["list"] = true
			})
			return g.unlisted("d1 done, d2 done, d3 done")
		}, leaver.Completed, "d1 done, d2 done, d3 done", []string{"d1", "d2", "d3"}},
	} {
		g := newGroups(t, c.onFailure, "d1", "d2", "d3")
		for _, refused := range c.refused {
			g.refused[refused] = true
		}
		c.schedule(g).on(g.office)
		step := g.ends(c.status, user1).Steps[0]
		assert.Equal(t, c.end, itemOutcomes(step), name)
		assert.ElementsMatch(t, c.changed, g.changed, name)
		if c.status == leaver.Incomplete {
			assert.ErrorContains(t, g.GetWorkflowError(), "offboarding incomplete: groups failed (GraphForbidden)")
		}
	}
}

// unlisted has the list read again that could not be, when the items stood so.
func (g *groups) unlisted(stand string) schedule {
	return schedule{at(h, func(o *office) {
		step := o.progress().Steps[0]
		assert.Equal(o.t, leaver.StepWaiting, step.State)
		assert.Equal(o.t, leaver.GraphForbidden, step.Failure.Type)
		assert.Equal(o.t, stand, itemOutcomes(step))
		g.allow()
	}), signals(h, leaver.RetryStep, `{"step":"groups"}`)}
}

// Ten begin at a time. One for which Microsoft does not answer for a minute frees its
// place.
func TestItemsForWhichMicrosoftFailsHoldUpNoOther(t *testing.T) {
	t.Parallel()
	for _, broken := range []int{1, 10} {
		g := newGroups(t, leaver.Ask)
		for i := range 35 {
			g.left = append(g.left, fmt.Sprint(i))
		}
		fails := slices.Clone(g.left[:broken])
		g.RegisterActivityWithOptions(func(ctx context.Context, request leaver.ItemRequest) (leaver.Item, error) {
			if slices.Contains(fails, request.Item.ID) {
				return leaver.Item{}, leaver.Failure{Type: leaver.GraphUnavailable, Message: "Leave: trying again", Waits: true}.Err()
			}
			return g.leave(ctx, request)
		}, activity.RegisterOptions{Name: "Leave", DisableAlreadyRegisteredCheck: true})
		most := g.mostAtWork("Leave")
		g.after(30*time.Second, func() { assert.LessOrEqual(t, *most, 10) })
		g.after(5*time.Minute, func() { assert.Len(t, g.changed, 35-broken) })
		g.after(25*time.Hour, func() {
			step := g.progress().Steps[0]
			assert.Equal(t, leaver.StepWaiting, step.State)
			for _, item := range step.Items[:broken] {
				assert.Equal(t, leaver.Failed, item.Outcome)
				assert.Equal(t, leaver.GraphUnavailable, item.Failure)
			}
			g.signal(leaver.Answer, `{"step":"groups","choice":"giveUp"}`)
		})
		g.ends(leaver.CompletedWithExceptions, user1)
	}
}

// Microsoft lists an item again that it has said is changed.
func TestAnItemThatComesBackIsAQuestionInTheEnd(t *testing.T) {
	t.Parallel()
	g := newGroups(t, leaver.Ask, "d1")
	g.RegisterActivityWithOptions(func(context.Context, leaver.ItemRequest) (leaver.Item, error) {
		return leaver.Item{Outcome: leaver.Done}, nil
	},
		activity.RegisterOptions{Name: "Leave", DisableAlreadyRegisteredCheck: true})
	ended := g.countActivities()
	g.after(time.Hour, func() {
		step := g.progress().Steps[0]
		require.Equal(t, leaver.StepWaiting, step.State)
		assert.Contains(t, step.Items[0].Detail, "Microsoft lists it again")
		assert.Less(t, *ended, 10)
		g.signal(leaver.Answer, `{"step":"groups","choice":"giveUp"}`)
	})
	g.ends(leaver.CompletedWithExceptions, user1)
}

// leftovers is an office in which other services know Adele's devices too: as so many
// objects of Entra, registrations of apps, and Autopilot identities.
func leftovers(t *testing.T, n int) *office {
	o := newOffice(t)
	user := o.tenant.Users()[graphsim.Leaver]
	user.Devices, user.EntraDevices = nil, nil
	for i := range n {
		name := fmt.Sprintf("%02d", i)
		d := windows(name)
		d.ID, d.AzureADDeviceID, d.SerialNumber = "md-"+name, uuid.NewString(), "SN-"+name
		user.Devices = append(user.Devices, d)
		user.EntraDevices = append(user.EntraDevices, graphsim.EntraDevice{ID: "entra-" + name, DeviceID: d.AzureADDeviceID, OperatingSystem: "Windows", AccountEnabled: true})
		user.AppRegistrations = append(user.AppRegistrations, graphsim.AppRegistration{ID: "app-" + name, DeviceTag: "tag-" + name})
		user.Autopilot = append(user.Autopilot, graphsim.AutopilotIdentity{ID: "ap-" + name, SerialNumber: d.SerialNumber, ManagedDeviceID: d.ID})
	}
	o.tenant.Add(user)
	return o
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
		leaver.StepDeleteAutopilotIdentities:   {"DELETE", "/windowsAutopilotDeviceIdentities/ap-00", func(u graphsim.User) int { return len(u.Autopilot) }},
		leaver.StepDisableEntraDevices: {"PATCH", "/devices/entra-00", func(u graphsim.User) int {
			return len(slices.DeleteFunc(slices.Clone(u.EntraDevices), func(d graphsim.EntraDevice) bool { return !d.AccountEnabled }))
		}},
		leaver.StepDeleteEntraDevices: {"DELETE", "/devices/entra-00", func(u graphsim.User) int { return len(u.EntraDevices) }},
	} {
		for choice, status := range map[leaver.Choice]leaver.Status{leaver.Retry: leaver.Completed, leaver.GiveUp: leaver.CompletedWithExceptions} {
			t.Run(name+" "+string(choice), func(t *testing.T) {
				t.Parallel()
				o := leftovers(t, 3)
				// Intune is asked hourly, or the test would take as long as the week does.
				o.tenant.Fail(graphsim.Fault{Method: c.method, Path: c.path, Status: 500, Times: -1, RetryAfter: "3600"})
				left := func() int { return c.left(o.tenant.Users()[graphsim.Leaver]) }
				step := func() leaver.StepRecord {
					all := o.progress().Steps
					return all[slices.IndexFunc(all, func(s leaver.StepRecord) bool { return s.Name == name })]
				}
				o.after(time.Hour, func() {
					assert.Equal(t, leaver.StepRunning, step().State)
					if name != leaver.StepWipeManagedAppRegistrations { // whose calls all have one path
						assert.Equal(t, 1, left())
					}
					o.after(max(time.Duration(step().Patience), 24*time.Hour), func() {
						require.Equal(t, leaver.StepWaiting, step().State)
						assert.Equal(t, leaver.GraphUnavailable, step().Failure.Type)
						for _, item := range step().Items {
							assert.True(t, item.Outcome == leaver.Done || item.Outcome == leaver.Failed && item.Failure == leaver.GraphUnavailable)
						}
						o.tenant.Heal()
						o.signal(leaver.Answer, fmt.Sprintf(`{"step":%q,"choice":%q}`, name, choice))
					})
				})
				o.ends(status, fmt.Sprintf(`{"userId":"adele@contoso.com","steps":{%q:{"include":true}}}`, name))
				assert.Equal(t, choice == leaver.Retry, left() == 0)
			})
		}
	}
}

// What was changed is in the report, whoever ends the step meanwhile.
func TestWhatWasDeletedIsInTheReportWhoeverStopsTheStep(t *testing.T) {
	t.Parallel()
	for _, finish := range []bool{true, false} {
		o := leftovers(t, 15)
		if finish {
			o.letActivitiesFinish()
		}
		o.whenStartedFor(12, leaver.ActivityDeleteAutopilotIdentity, func() { o.signal(leaver.Abort, `{}`) })
		step := o.ends(leaver.Aborted, `{"userId":"adele@contoso.com","steps":{"deleteAutopilotIdentities":{"include":true}}}`).Steps[3]
		assert.Equal(t, leaver.Canceled, step.Outcome)
		require.Len(t, step.Items, 15)
		left := map[string]bool{}
		for _, a := range o.tenant.Users()[graphsim.Leaver].Autopilot {
			left[a.ID] = true
		}
		for _, item := range step.Items {
			if left[item.ID] {
				assert.NotEqual(t, leaver.Done, item.Outcome)
				continue
			}
			assert.NotEmpty(t, item.Outcome, "its identity was deleted")
			assert.True(t, !finish || item.Outcome == leaver.Done)
		}
	}
}
