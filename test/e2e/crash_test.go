package e2e

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
)

// A worker dies by SIGKILL while Graph has a request of the step: before Graph
// did anything, and after it did but before the answer arrived.
func TestAWorkerKilledAtAnyStepLosesNothing(t *testing.T) {
	t.Parallel()
	const long = leaver.Duration(10 * time.Minute)
	devices := graphsim.Fault{Method: "GET", Path: "/managedDevices"}
	for _, at := range []struct {
		name    string
		request graphsim.Fault
		// after is the write that comes before, where others make the same request.
		after string
		// each has the tenant refuse the one action for all devices.
		each bool
	}{
		{name: "PlanOffboarding", request: graphsim.Fault{Method: "GET"}},
		{name: "DisableAccount", request: graphsim.Fault{Method: "PATCH"}},
		{name: "RevokeSessions", request: graphsim.Fault{Method: "POST", Path: "/revokeSignInSessions"}},
		{name: "LookAtDevices", request: devices, after: "/revokeSignInSessions"},
		{name: "RemoveAllDevices", request: graphsim.Fault{Method: "POST", Path: "/removeAllDevicesFromManagement"}},
		{name: "RetireDevice", request: graphsim.Fault{Method: "POST", Path: "/retire"}, each: true},
		{name: "LookAtDevices that waits", request: devices, after: "/removeAllDevicesFromManagement"},
	} {
		for _, moment := range []string{"before", "after"} {
			t.Run(at.name+" "+moment, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, settings{})
				w.tenant.Configure(graphsim.Settings{DelegatedRemoval: at.each})
				fault := at.request
				if moment == "before" {
					fault.Delay = long
				} else {
					fault.Late = long
				}
				if at.after == "" {
					w.tenant.Fail(fault)
					w.start("W")
					w.arrived(fault.Method, fault.Path)
				} else {
					w.tenant.Fail(graphsim.Fault{Method: "POST", Path: at.after, Delay: leaver.Duration(time.Second)})
					w.start("W")
					w.arrived("POST", at.after)
					looks := w.requests(fault.Method, fault.Path)
					w.tenant.Fail(fault)
					w.until("the devices are looked at", func() bool { return w.requests(fault.Method, fault.Path) > looks })
				}
				w.worker.Kill()
				w.tenant.Heal()
				w.startWorker()
				w.finished("W")
			})
		}
	}
}

func TestATemporalServerRestartedHalfWayForgetsNothing(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"stopped", "killed"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, settings{Database: true, CheckIn: 8 * time.Second})
			// The server is away when the worker wants to tell it that this is done.
			w.tenant.Fail(graphsim.Fault{Method: "POST", Path: "/removeAllDevicesFromManagement", Late: leaver.Duration(2 * time.Second)})
			w.start("W")
			w.arrived("POST", "/removeAllDevicesFromManagement")
			if how == "stopped" {
				_ = w.server.Stop()
			} else {
				w.server.Kill()
			}
			time.Sleep(2 * time.Second)
			w.startServer()
			w.finished("W")
		})
	}
}

func TestAWorkerThatIsToldToStopFinishesItsActivity(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.tenant.Fail(graphsim.Fault{Method: "PATCH", Delay: leaver.Duration(2 * time.Second)})
	w.start("W")
	w.arrived("PATCH", "")
	require.NoError(t, w.worker.Stop(), "it ends with exit code 0")
	assert.False(t, w.tenant.Users()[graphsim.Leaver].AccountEnabled, "the write finished")
	w.startWorker()
	w.finished("W")
	assert.Equal(t, 1, w.requests("PATCH", ""), "and was not repeated")
}

// Graph answers 429 with a fractional Retry-After, then 503, then drops the
// connection, then cuts an answer off: on every write.
func TestAStormOfFaultsDelaysAndHidesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	for _, write := range []graphsim.Fault{
		{Method: "PATCH"},
		{Method: "POST", Path: "/revokeSignInSessions"},
		{Method: "POST", Path: "/removeAllDevicesFromManagement"},
	} {
		for _, spoil := range []func(*graphsim.Fault){
			func(f *graphsim.Fault) { f.Status, f.Code, f.RetryAfter = 429, "TooManyRequests", "2.128" },
			func(f *graphsim.Fault) { f.Status, f.HTML = 503, true },
			func(f *graphsim.Fault) { f.Reset = true },
			func(f *graphsim.Fault) { f.Cut = true },
		} {
			fault := write
			spoil(&fault)
			w.tenant.Fail(fault)
		}
	}
	w.start("W")
	w.finished("W")
	faults := 0
	for _, r := range w.tenant.Requests() {
		assert.False(t, r.Early, "%s %s came before Retry-After had passed", r.Method, r.Path)
		if r.Fault {
			faults++
		}
	}
	assert.Equal(t, 12, faults)
}

// With no workflow cache each task replays the whole history, so whatever is
// not deterministic in the workflow fails here.
func TestEveryTaskReplayedFromTheStart(t *testing.T) {
	w := newWorld(t, settings{NoWorker: true})
	worker.SetStickyWorkflowCacheSize(0)
	offboarding, err := plugin.NewPlugin(plugin.Config{
		Credential: token(w.tenant.Token(graphsim.Application)), GraphURL: w.graphURL,
		FirstPoll: time.Second, LongestPoll: time.Second, DeviceDeadline: time.Hour,
	})
	require.NoError(t, err)
	temporal, err := client.Dial(client.Options{HostPort: w.server.Address, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	t.Cleanup(temporal.Close)
	inProcess := worker.New(temporal, leaver.TaskQueue, worker.Options{Plugins: []worker.Plugin{offboarding}, WorkflowPanicPolicy: worker.FailWorkflow})
	require.NoError(t, inProcess.Start())
	t.Cleanup(inProcess.Stop)

	w.tenant.Fail(graphsim.Fault{Method: "PATCH", Status: 403, Code: "Authorization_RequestDenied"})
	w.start("W")
	w.waiting("W", leaver.StepDisableAccount)
	require.NoError(t, temporal.SignalWorkflow(t.Context(), "W", "", "retryStep", leaver.Decision{Step: leaver.StepDisableAccount}))
	w.finished("W")
	assert.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, w.status("W"))
}

type token string

func (t token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(t), ExpiresOn: time.Now().Add(time.Hour)}, nil
}
