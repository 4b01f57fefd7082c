package e2e

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/activities"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/internal/whole"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/converter"
)

// slowly is how long Microsoft needs for each call.
const slowly = 200 * time.Millisecond

// BenchmarkTheWholeLeaver offboards a leaver with 32 groups, 5 licences, 6 methods, 4 devices and something of each other
// kind, by every step there is. It tells how many actions Temporal counts for each step and item, how large the history
// is, and how much longer the whole takes than its longest chain of calls.
func BenchmarkTheWholeLeaver(b *testing.B) {
	const most = 1 << 20 // bytes of history
	w := newWorld(b, settings{NoWorker: true, Unrecorded: true, CheckIn: time.Millisecond})
	filled := whole.Fill(w.tenant, 3, time.Now())
	run := w.inProcess(plugin.Config{FirstPoll: 100 * time.Millisecond, LongestPoll: 100 * time.Millisecond, SecondLook: time.Millisecond,
		Guards: activities.Guards{Privileged: leaver.GuardClear}, DeviceCredential: token(w.tenant.Token(graphsim.Delegated)),
		Exchange: plugin.Exchange{Doors: []string{"invokeCommand"}, TenantID: graphsim.TenantID, URL: strings.TrimSuffix(w.graphURL, graphsim.GraphPath) + graphsim.ExchangePath}})
	defer run.Stop()
	w.tenant.Fail(graphsim.Fault{Times: -1, Delay: leaver.Duration(slowly)})
	for b.Loop() {
		begin := time.Now()
		w.startWith("W", leaver.Request{UserID: graphsim.Leaver, Steps: filled.Steps(0)})
		report, err := w.report("W")
		spent := time.Since(begin)
		require.NoError(b, err)
		require.Empty(b, filled.Lies(report))

		made, actions := w.made("W")
		items := 0
		for _, step := range report.Steps {
			items += len(step.Items)
		}
		history := w.runs("W")[0]
		chain, path := longestChain(report.Steps, made)
		b.Logf("%d calls, %d steps, %d items, %d activities, %d actions, %d events, %d bytes", len(w.tenant.Requests()), len(report.Steps), items, len(made), actions, history.Events, history.Bytes)
		b.Logf("%.1f s, the longest chain is of %d calls: %s", spent.Seconds(), chain, path)
		b.ReportMetric(float64(actions)/float64(len(report.Steps)+items), "actions/step-and-item")
		b.ReportMetric(float64(history.Events), "events")
		b.ReportMetric(float64(history.Bytes), "bytes")
		b.ReportMetric(float64(chain), "chain")
		b.ReportMetric(spent.Seconds()/slowly.Seconds()/float64(chain), "spent/chain")
		assert.LessOrEqual(b, history.Bytes, int64(most))
	}
}

// work is an activity that an offboarding has made.
type work struct {
	summary      string
	began, ended time.Time
}

// calls are how many calls the last attempt of an activity made one after the other: as each takes as long as any other,
// and nothing else takes nearly as long, the time of the attempt tells.
func (a work) calls() int { return int(a.ended.Sub(a.began) / slowly) }

// made are the activities that an offboarding has made, in the order in which it began with them, and how many of its
// events Temporal Cloud counts as actions.
//
// Temporal: https://docs.temporal.io/cloud/actions
func (w *world) made(id string) (all []work, actions int) {
	w.t.Helper()
	scheduled := map[int64]int{} // by the id of the event
	events := w.temporal.GetWorkflowHistory(w.t.Context(), id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(w.t, err)
		switch event.GetEventType() {
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, enumspb.EVENT_TYPE_TIMER_STARTED, enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
			actions++
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			var summary string
			require.NoError(w.t, converter.GetDefaultDataConverter().FromPayload(event.GetUserMetadata().GetSummary(), &summary))
			scheduled[event.GetEventId()] = len(all)
			all = append(all, work{summary: summary})
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			started := event.GetActivityTaskStartedEventAttributes()
			actions += int(started.GetAttempt())
			all[scheduled[started.GetScheduledEventId()]].began = event.GetEventTime().AsTime()
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
			all[scheduled[event.GetActivityTaskCompletedEventAttributes().GetScheduledEventId()]].ended = event.GetEventTime().AsTime()
		}
	}
	return all, actions
}

// longestChain is the longest chain of calls each of which needs what the call before has answered, and the steps on it
// with how many calls each adds. The plan comes first, and says which step needs which.
func longestChain(steps []leaver.StepRecord, made []work) (calls int, path string) {
	of := map[string][]work{}
	for _, a := range made[1:] {
		name, longest := leaver.StepRemoveAllDevices, 0 // which has summaries of its own
		for _, step := range steps {
			if strings.HasPrefix(a.summary, step.Summary) && len(step.Summary) > longest {
				name, longest = step.Name, len(step.Summary)
			}
		}
		of[name] = append(of[name], a)
	}
	const plan = "plan"
	ends, paths, last := map[string]int{plan: made[0].calls()}, map[string]string{plan: fmt.Sprint(plan, " ", made[0].calls())}, plan
	known := func(name string) bool { _, known := ends[name]; return known }
	for range steps { // those that a step comes after may stand below it
		for _, step := range steps {
			if known(step.Name) || slices.ContainsFunc(step.After, func(before string) bool { return !known(before) }) {
				continue
			}
			before := slices.MaxFunc(append([]string{plan}, step.After...), func(a, b string) int { return cmp.Compare(ends[a], ends[b]) })
			own := inStep(step, of[step.Name])
			ends[step.Name], paths[step.Name] = ends[before]+own, fmt.Sprintf("%s, %s %d", paths[before], step.Name, own)
			if ends[step.Name] > ends[last] {
				last = step.Name
			}
		}
	}
	return ends[last], paths[last]
}

// inStep is the longest chain of calls within a step. The list comes before the items, and the proof after them; the
// items need each other only where the step changes one at a time, as Microsoft wants it there. What is done about
// devices is one chain.
func inStep(step leaver.StepRecord, made []work) int {
	chain, longest := 0, 0
	for _, a := range made {
		if step.Shape == leaver.Each && step.AtOnce != 1 && a.summary != step.Summary+": list" {
			longest = max(longest, a.calls())
			continue
		}
		chain += a.calls()
	}
	return chain + longest
}
