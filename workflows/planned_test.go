package workflows_test

import (
	"context"
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/workflows"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// newPlanned is an office without a tenant, in which every plan has these
// steps. The activity Succeed is done, Refuse is forbidden, and Linger is never
// done before its deadline.
func newPlanned(t *testing.T, steps ...leaver.Step) *office {
	t.Helper()
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(quiet)
	o := &office{suite.NewTestWorkflowEnvironment(), t, nil}
	workflows.Register(o)
	o.RegisterActivityWithOptions(func(context.Context, leaver.Request) (leaver.Plan, error) {
		return leaver.Plan{Leaver: leaver.Leaver{ID: "1", UserPrincipalName: "adele@contoso.com"}, Steps: steps}, nil
	}, activity.RegisterOptions{Name: leaver.ActivityPlanOffboarding})
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
	o.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&unhurried{}}})
}

type unhurried struct {
	interceptor.WorkerInterceptorBase
}

func (*unhurried) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	in := &unhurriedIn{}
	in.Next = next
	return in
}

type unhurriedIn struct {
	interceptor.WorkflowInboundInterceptorBase
}

func (i *unhurriedIn) Init(next interceptor.WorkflowOutboundInterceptor) error {
	out := &unhurriedOut{}
	out.Next = next
	return i.Next.Init(out)
}

type unhurriedOut struct {
	interceptor.WorkflowOutboundInterceptorBase
}

func (o *unhurriedOut) ExecuteActivity(ctx workflow.Context, activityType string, args ...any) workflow.Future {
	if workflow.GetActivityOptions(ctx).WaitForCancellation && ctx.Err() == nil {
		ctx, _ = workflow.NewDisconnectedContext(ctx)
	}
	return o.Next.ExecuteActivity(ctx, activityType, args...)
}
