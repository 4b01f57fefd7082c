package workflows

import (
	"slices"

	"github.com/leaver-dev/leaver"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"
)

// Interceptor counts the inputs of signals: the SDK hands over the first alone, and drops the others. On a worker that
// has it, a signal with several is refused.
func Interceptor() interceptor.WorkerInterceptor { return &inputCounter{} }

type inputCounter struct {
	interceptor.WorkerInterceptorBase
}

func (*inputCounter) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &countedInputs{interceptor.WorkflowInboundInterceptorBase{Next: next}, inputs{}}
}

// inputs are, by the name of a signal, how many each has that has come and was not taken.
type inputs map[string][]int

type inputsKey struct{}

type countedInputs struct {
	interceptor.WorkflowInboundInterceptorBase
	come inputs
}

func (c *countedInputs) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	return c.Next.ExecuteWorkflow(workflow.WithValue(ctx, inputsKey{}, c.come), in)
}

func (c *countedInputs) HandleSignal(ctx workflow.Context, in *interceptor.HandleSignalInput) error {
	if slices.Contains(leaver.Actions(), leaver.Action(in.SignalName)) {
		c.come[in.SignalName] = append(c.come[in.SignalName], len(in.Arg.GetPayloads()))
	}
	return c.Next.HandleSignal(ctx, in)
}

// take forgets the first signals of a name, and returns how many inputs the last of these has. Without the interceptor
// nothing is known, and it is none.
func (i inputs) take(name string, signals int) (last int) {
	if known := i[name]; signals > 0 && signals <= len(known) {
		last = known[signals-1]
		if i[name] = known[signals:]; len(i[name]) == 0 {
			delete(i, name)
		}
	}
	return last
}
