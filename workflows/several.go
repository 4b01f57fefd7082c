package workflows

import (
	"errors"

	"github.com/leaver-dev/leaver"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"
)

// several is the encoding of what stands for several inputs of a signal: Temporal hands over the first alone, and
// another may be what was meant to make it harmless.
const several = "leaver/several"

var errSeveral = errors.New("the input must be one JSON object, and several were given: put all fields into one --input")

// Interceptor has signals of an offboarding refused that have several inputs. A worker without it takes the first.
func Interceptor() interceptor.WorkerInterceptor { return &signalCounter{} }

type signalCounter struct {
	interceptor.WorkerInterceptorBase
}

func (*signalCounter) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &countedSignals{interceptor.WorkflowInboundInterceptorBase{Next: next}}
}

type countedSignals struct {
	interceptor.WorkflowInboundInterceptorBase
}

func (c *countedSignals) HandleSignal(ctx workflow.Context, in *interceptor.HandleSignalInput) error {
	if len(in.Arg.GetPayloads()) > 1 && workflow.GetInfo(ctx).WorkflowType.Name == leaver.WorkflowType {
		in.Arg = &commonpb.Payloads{Payloads: []*commonpb.Payload{{Metadata: map[string][]byte{converter.MetadataEncoding: []byte(several)}}}}
	}
	return c.Next.HandleSignal(ctx, in)
}
