package workflows_test

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/leaver-dev/leaver/workflows"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// single is a step of shape Single that comes after others, and asks a person when it fails.
func single(name, activity string, after ...string) leaver.Step {
	return leaver.Step{Name: name, Shape: leaver.Single, Activity: activity, OnFailure: leaver.Ask, After: after}
}

// newPlanned is an office without a tenant, in which every plan has these
// steps. The activity Succeed is done, Refuse is forbidden, and Linger is never
// done before its deadline.
func newPlanned(t *testing.T, steps ...leaver.Step) *office {
	t.Helper()
	o := &office{TestWorkflowEnvironment: newEnvironment(morning()), t: t}
	o.clock.Store(&clock{o.TestWorkflowEnvironment, morning()})
	o.register = func(r registry) {
		workflows.Register(r)
		r.RegisterActivityWithOptions(func(context.Context, leaver.Request) (leaver.Plan, error) {
			return leaver.Plan{Leaver: leaver.Leaver{ID: "1", UserPrincipalName: "adele@contoso.com"}, Steps: steps}, nil
		}, activity.RegisterOptions{Name: leaver.ActivityPlanOffboarding, DisableAlreadyRegisteredCheck: true})
	}
	o.register(o)
	o.does("Succeed", leaver.StepResult{Outcome: leaver.Done}, nil)
	o.does("Refuse", leaver.StepResult{}, leaver.Failure{Type: leaver.GraphForbidden, Message: "Refuse: not allowed"}.Err())
	o.does("Linger", leaver.StepResult{}, leaver.Failure{Type: leaver.DevicesRemain, Message: "Linger: not yet", Waits: true, Expected: true}.Err())
	return o
}

// does registers an activity that always returns the same.
func (o *office) does(name string, result leaver.StepResult, err error) {
	o.step(name, func(context.Context, leaver.StepRequest) (leaver.StepResult, error) { return result, err })
}

// step registers the activity of a step.
func (o *office) step(name string, do func(context.Context, leaver.StepRequest) (leaver.StepResult, error)) {
	o.RegisterActivityWithOptions(do, activity.RegisterOptions{Name: name})
}

// whenStarted does something as soon as an activity has begun its first attempt.
func (o *office) whenStarted(name string, do func()) { o.whenStartedFor(1, name, do) }

// whenStartedFor does something as soon as an activity of this name has begun its first
// attempt for the n-th time.
func (o *office) whenStartedFor(n int, name string, do func()) {
	started := 0
	o.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.ActivityType.Name == name && info.Attempt == 1 {
			if started++; started == n {
				do()
			}
		}
	})
}

// letActivitiesFinish makes activities go on to their end when they are
// cancelled, as a real server does for those that wait for it and do not hear of
// it in time. The test environment ends them at once, whatever they wait for.
func (o *office) letActivitiesFinish() {
	o.SetWorkerOptions(likeAServer(true))
}

// likeAServer has the test environment make as many attempts as a server does, and not
// ten, and where letsFinish is set lets activities finish that are cancelled.
func likeAServer(letsFinish bool) worker.Options {
	return worker.Options{Interceptors: []interceptor.WorkerInterceptor{&serverLike{letsFinish: letsFinish}, workflows.Interceptor()}}
}

type serverLike struct {
	interceptor.WorkerInterceptorBase
	letsFinish bool
}

func (s *serverLike) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &serverLikeIn{interceptor.WorkflowInboundInterceptorBase{Next: next}, s.letsFinish}
}

type serverLikeIn struct {
	interceptor.WorkflowInboundInterceptorBase
	letsFinish bool
}

func (i *serverLikeIn) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&serverLikeOut{interceptor.WorkflowOutboundInterceptorBase{Next: next}, i.letsFinish})
}

type serverLikeOut struct {
	interceptor.WorkflowOutboundInterceptorBase
	letsFinish bool
}

func (o *serverLikeOut) ExecuteActivity(ctx workflow.Context, activityType string, args ...any) workflow.Future {
	options := workflow.GetActivityOptions(ctx)
	if policy := options.RetryPolicy; policy != nil && policy.MaximumAttempts == 0 {
		unlimited := *policy
		unlimited.MaximumAttempts = math.MaxInt32
		ctx = workflow.WithRetryPolicy(ctx, unlimited)
	}
	if o.letsFinish && options.WaitForCancellation && ctx.Err() == nil {
		ctx, _ = workflow.NewDisconnectedContext(ctx)
	}
	return o.Next.ExecuteActivity(ctx, activityType, args...)
}

// quarterHourly looks at the devices every quarter of an hour.
func quarterHourly(c *plugin.Config) { c.FirstPoll, c.LongestPoll = 15*time.Minute, 15*time.Minute }

// before puts a handler in front of the tenant.
func before(t *testing.T, handle func(w http.ResponseWriter, r *http.Request, next http.Handler)) func(*plugin.Config) {
	return func(c *plugin.Config) {
		target, _ := url.Parse(c.GraphURL)
		proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: target.Scheme, Host: target.Host})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handle(w, r, proxy) }))
		t.Cleanup(server.Close)
		c.GraphURL = server.URL + target.Path
	}
}

// listWithout answers with a list that misses some.
func listWithout(w http.ResponseWriter, r *http.Request, next http.Handler, missing func(id any) bool) {
	recorder := httptest.NewRecorder()
	next.ServeHTTP(recorder, r)
	var page map[string]any
	_ = json.Unmarshal(recorder.Body.Bytes(), &page)
	page["value"] = slices.DeleteFunc(page["value"].([]any), func(d any) bool { return missing(d.(map[string]any)["id"]) })
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(page)
}

// countActivities counts the activities that end: each has its events in the history.
func (o *office) countActivities() *int {
	ended := 0
	o.SetOnActivityCompletedListener(func(*activity.Info, converter.EncodedValue, error) { ended++ })
	return &ended
}

// requested counts the requests of a method whose path ends so.
func (o *office) requested(method, path string) int {
	n := 0
	for _, r := range o.tenant.Requests() {
		if r.Method == method && strings.HasSuffix(r.Path, path) {
			n++
		}
	}
	return n
}
