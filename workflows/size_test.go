package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"
)

// largest is how large a payload may be that Temporal takes, in bytes: a result, an answer to a query, the input of an
// activity or of a run.
const largest = 2 << 20

// crowd is an office whose leaver has as many devices as an offboarding takes on. They leave at once, and each of two
// more steps has an item for each, which ends like this.
func crowd(t *testing.T, ends leaver.Item) *office {
	settings := &leaver.DeviceSettings{Deadline: leaver.Duration(time.Hour), FirstLook: leaver.Duration(time.Minute), LongestLook: leaver.Duration(time.Minute)}
	steps := []leaver.Step{{Name: leaver.StepRemoveAllDevices, Shape: leaver.Devices, Activity: leaver.ActivityRemoveAllDevices, OnFailure: leaver.Ask, Devices: settings}}
	for _, name := range []string{leaver.StepDisableEntraDevices, leaver.StepDeleteEntraDevices} {
		steps = append(steps, leaver.Step{Name: name, Shape: leaver.Each, Activity: "List", Change: "Change", OnFailure: leaver.Ask, After: []string{leaver.StepRemoveAllDevices}})
	}
	o := newPlanned(t, steps...)
	seen := false
	o.RegisterActivityWithOptions(func(_ context.Context, request devices.LookRequest) (sight devices.Sight, _ error) {
		for i := range leaver.MaxDevices {
			if seen {
				break
			}
			facts := leaver.DeviceFacts{Name: fmt.Sprintf("CONTOSO-LT-%04d", i), OperatingSystem: "Windows", OwnerType: "company", ManagementState: "managed", LastSyncDateTime: morning(),
				AzureADDeviceID: uuid.NewString(), SerialNumber: fmt.Sprintf("5CG%07dXK", i), RecoveryKey: leaver.RecoveryKeyOnRecord}
			sight.Listed = append(sight.Listed, devices.Seen{ID: uuid.NewString(), DeviceFacts: facts})
		}
		seen = true
		for _, k := range request.Known {
			sight.Gone = append(sight.Gone, k.ID)
		}
		return sight, nil
	}, activity.RegisterOptions{Name: leaver.ActivityLookAtDevices})
	o.RegisterActivityWithOptions(func(context.Context, devices.WriteRequest) (devices.Outcome, error) {
		return devices.Outcome{Answer: devices.Accepted, HeardAt: morning().Add(time.Second)}, nil
	}, activity.RegisterOptions{Name: leaver.ActivityRemoveAllDevices})
	o.step("List", func(_ context.Context, step leaver.StepRequest) (result leaver.StepResult, _ error) {
		for _, removed := range step.Results[leaver.StepRemoveAllDevices].Items {
			item := ends
			item.ID, item.Device = uuid.NewString(), removed.Device
			item.Device.ManagedDeviceID = removed.ID
			result.Items = append(result.Items, item)
		}
		return result, nil
	})
	return o
}

// Whether all is done or all is asked about: progress, the report and the state of the next run fit, also where each
// device was wiped with a second administrator's approval.
func TestAThousandDevicesFitIntoAPayload(t *testing.T) {
	t.Parallel()
	approval := leaver.Approval{Code: uuid.NewString(), Status: leaver.ApprovalCompleted, Operation: leaver.Wipe, RequestedAt: morning()}
	wiped, err := json.Marshal(leaver.Item{Approval: &approval, Device: &leaver.Device{Calls: []leaver.Call{{Action: leaver.Wipe, At: morning(), ApprovalCode: approval.Code, Answer: leaver.CallQueued}}}})
	require.NoError(t, err)
	fits := func(what string, payload any) {
		text, err := json.Marshal(payload)
		require.NoError(t, err)
		assert.Less(t, len(text)+leaver.MaxDevices*len(wiped), largest, what)
	}

	o := crowd(t, leaver.Item{Outcome: leaver.AlreadyDone, Detail: "it is disabled in Entra"})
	report := o.ends(leaver.Completed, user1)
	fits("the report", report)
	require.Len(t, report.Steps[2].Items, leaver.MaxDevices)
	for i, item := range report.Steps[2].Items {
		device := report.Steps[0].Items[i]
		require.Equal(t, &leaver.Device{DeviceFacts: leaver.DeviceFacts{Name: device.Device.Name}, ManagedDeviceID: device.ID}, item.Device, "the first step tells the rest")
	}

	o = crowd(t, leaver.Item{Outcome: leaver.Failed, Failure: leaver.GraphForbidden, Detail: "DeleteEntraDevice: grant the permission Device.ReadWrite.All (the worker sent an application token); an application may do this to Windows devices only: " +
		"for others do it in Entra, or give the device steps a delegated credential (LEAVER_DEVICE_CREDENTIAL=device-code), then retry; Graph answered 403 Authorization_RequestDenied (request-id 00000000-0000-4000-8000-000000000000)"})
	o.after(time.Hour, func() {
		fits("progress", o.progress())
		o.SetContinueAsNewSuggested(true)
		o.signal(leaver.RetryStep, `{"step":"unknown"}`) // the workflow sees it
	})
	o.ExecuteWorkflow(leaver.WorkflowType, json.RawMessage(user1))
	next, renewed := errors.AsType[*workflow.ContinueAsNewError](o.GetWorkflowError())
	require.True(t, renewed, "%v", o.GetWorkflowError())
	var input, state json.RawMessage
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &input, &state))
	fits("the state of the next run", state)
}
