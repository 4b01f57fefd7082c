package workflows_test

import (
	"context"
	"math"
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/workflows"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// single is a step of shape Single that asks a person when it fails.
func single(name, activity string) leaver.Step {
	return leaver.Step{Name: name, Shape: leaver.Single, Activity: activity, OnFailure: leaver.Ask}
}

// newPlanned is an office without a tenant, in which every plan has these
// steps. The activity Succeed is done, Refuse is forbidden, and Linger is never
// done before its deadline.
func newPlanned(t *testing.T, steps ...leaver.Step) *office {
	t.Helper()
	o := &office{TestWorkflowEnvironment: newEnvironment(), t: t}
	o.clock.Store(o.TestWorkflowEnvironment)
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
	o.RegisterActivityWithOptions(func(context.Context, leaver.StepRequest) (leaver.StepResult, error) {
		return result, err
	}, activity.RegisterOptions{Name: name})
}

// changes registers an activity that changes an item, and always returns the same.
func (o *office) changes(name string, item leaver.Item, err error) {
	o.RegisterActivityWithOptions(func(context.Context, leaver.ItemRequest) (leaver.Item, error) { return item, err }, activity.RegisterOptions{Name: name})
}

// whenStarted does something as soon as an activity has begun its first attempt.
func (o *office) whenStarted(name string, do func()) {
	o.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.ActivityType.Name == name && info.Attempt == 1 {
			do()
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
	return worker.Options{Interceptors: []interceptor.WorkerInterceptor{&serverLike{letsFinish: letsFinish}}}
}

type serverLike struct {
	interceptor.WorkerInterceptorBase
	letsFinish bool
}

func (s *serverLike) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	in := &serverLikeIn{letsFinish: s.letsFinish}
	in.Next = next
	return in
}

type serverLikeIn struct {
	interceptor.WorkflowInboundInterceptorBase
	letsFinish bool
}

func (i *serverLikeIn) Init(next interceptor.WorkflowOutboundInterceptor) error {
	out := &serverLikeOut{letsFinish: i.letsFinish}
	out.Next = next
	return i.Next.Init(out)
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
