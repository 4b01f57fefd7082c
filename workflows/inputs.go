package workflows

import (
	"slices"

	"github.com/leaver-dev/leaver"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"
)

// Interceptor has signals refused that have several inputs, of which the SDK would hand over the first alone and drop the
// others.
func Interceptor() interceptor.WorkerInterceptor { return &inputCounter{} }

type inputCounter struct {
	interceptor.WorkerInterceptorBase
}

func (*inputCounter) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &countedInputs{next}
}

// countedInputs holds the next interceptor and no base of the SDK's: each function less on the stack of a workflow that
// waits counts.
type countedInputs struct {
	interceptor.WorkflowInboundInterceptor
}

// severalInputs marks what stands in the place of the inputs where a signal has several.
const severalInputs = "leaver-several-inputs"

func (c *countedInputs) HandleSignal(ctx workflow.Context, in *interceptor.HandleSignalInput) error {
	if len(in.Arg.GetPayloads()) > 1 && slices.Contains(leaver.Actions(), leaver.Action(in.SignalName)) {
		// A codec that encrypts leaves this as it is, and would drop the mark of an input that it decodes.
		mark := &commonpb.Payload{Metadata: map[string][]byte{converter.MetadataEncoding: []byte(converter.MetadataEncodingJSON), severalInputs: nil}, Data: []byte("null")}
		in = &interceptor.HandleSignalInput{SignalName: in.SignalName, Arg: &commonpb.Payloads{Payloads: []*commonpb.Payload{mark}}}
	}
	return c.WorkflowInboundInterceptor.HandleSignal(ctx, in)
}

// hasSeveral reports whether this stands in the place of several inputs.
func hasSeveral(input *commonpb.Payload) bool {
	_, marked := input.GetMetadata()[severalInputs]
	return marked
}
