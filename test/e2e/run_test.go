package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
)

func TestTctlRunsAnOffboardingFromAFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	input := filepath.Join(w.dir, "in.json")
	require.NoError(t, os.WriteFile(input, []byte(`{"userId":"Adele@contoso.com"}`), 0o600))
	out := w.must(programs.tctl, "workflow", "run", "--taskqueue", "offboarding", "--workflow_type", "OffboardUser",
		"--workflow_id", "W", "--input_file", input)
	assert.Contains(t, out, "Status: COMPLETED")
	assert.Contains(t, out, `"status":"completed"`)
	w.finished("W")
	for _, r := range w.tenant.Requests() {
		assert.NotEmpty(t, r.ClientRequestID)
	}
	assert.Contains(t, w.must(programs.temporal, "workflow", "metadata", "--workflow-id", "W"), "3 of 3 steps ended")
}

func TestTheStarterFollowsToTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	plan := decode[leaver.Report](t, jsonOf(w.must(programs.starter, "start", graphsim.Leaver, "--dry-run", "-o", "json")))
	assert.Equal(t, leaver.Planned, plan.Status)
	for _, r := range w.tenant.Requests() {
		assert.False(t, r.Writes(), "a dry run touches nothing")
	}
	out := w.must(programs.starter, "start", graphsim.Leaver)
	assert.Contains(t, out, "Offboarding of adele@contoso.com: completed")
	assert.Contains(t, out, "4 devices gone")
	assert.Contains(t, out, "Pixel of Adele")
	report := decode[leaver.Report](t, w.must(programs.starter, "status", graphsim.Leaver, "-o", "json"))
	w.finished("offboard-6305db4b21f770b2")
	assert.Equal(t, leaver.Completed, report.Status)

	out, err := w.run(programs.starter, "cancel", graphsim.Leaver)
	require.Error(t, err, "there is nothing left to cancel")
	assert.Contains(t, out, "has ended already")

	again := decode[leaver.Report](t, jsonOf(w.must(programs.starter, "start", graphsim.Leaver, "-o", "json")))
	assert.Equal(t, leaver.Completed, again.Status, "a second offboarding is harmless")
	assert.Equal(t, leaver.AlreadyDone, step(again, leaver.StepDisableAccount).Outcome)
	assert.Equal(t, leaver.AlreadyDone, step(again, leaver.StepRemoveAllDevices).Outcome)
	w.nobodyElse()
}

// jsonOf cuts the JSON out of an output that has lines before and after it.
func jsonOf(out string) string {
	return out[strings.Index(out, "{") : strings.LastIndex(out, "}")+1]
}

func TestStartingTwiceGivesTheSameRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{CheckIn: 5 * time.Second})
	start := func() string {
		out := w.must(programs.tctl, "workflow", "start", "--taskqueue", "offboarding", "--workflow_type", "OffboardUser",
			"--workflow_id", "W", "--input", `{"userId":"adele@contoso.com"}`)
		return out[strings.Index(out, "run Id"):]
	}
	assert.Equal(t, start(), start())
	w.finished("W")
	assert.Equal(t, 1, w.requests("POST", "/removeAllDevicesFromManagement"))
}

func TestAPersonResolvesAForbiddenStepWithTctl(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	for _, path := range []string{"/removeAllDevicesFromManagement", "/retire"} {
		w.tenant.Fail(graphsim.Fault{Method: "POST", Path: path, Times: -1, Status: 403, Code: "Forbidden", Message: "Insufficient privileges to complete the operation."})
	}
	w.must(programs.tctl, "workflow", "start", "--taskqueue", "offboarding", "--workflow_type", "OffboardUser",
		"--workflow_id", "W", "--input", `{"userId":"adele@contoso.com"}`)
	w.waiting("W", leaver.StepRemoveAllDevices)

	out := w.must(programs.tctl, "workflow", "query", "--workflow_id", "W", "--query_type", "progress")
	assert.Contains(t, out, `"for":"person"`)
	assert.Contains(t, out, "DeviceManagementManagedDevices.PrivilegedOperations.All (the worker sent an application token)")
	assert.Contains(t, w.must(programs.temporal, "workflow", "metadata", "--workflow-id", "W"), "Waits for a person")

	// A wrong signal changes nothing and is shown.
	w.must(programs.tctl, "workflow", "signal", "--workflow_id", "W", "--name", "retryStep", "--input", `{"step":"removeAllDevice"}`)
	w.until("the wrong signal is shown", func() bool { return len(w.progress("W").Refused) == 1 })
	assert.Equal(t, leaver.Waiting, w.progress("W").Status)

	w.tenant.Heal()
	w.must(programs.tctl, "workflow", "signal", "--workflow_id", "W", "--name", "retryStep", "--input", `{"step":"removeAllDevices","by":"it@contoso.com","reason":"consent granted"}`)
	report := w.finished("W")
	decisions := step(report, leaver.StepRemoveAllDevices).Decisions
	require.Len(t, decisions, 1)
	assert.Equal(t, leaver.RetryStep, decisions[0].Action)
	assert.Equal(t, "consent granted", decisions[0].Reason)
}

func TestDecisionsAsUpdatesAreCheckedAndAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.tenant.Fail(graphsim.Fault{Path: "/managedDevices", Times: -1, Status: 400, Code: "BadRequest", Message: "Request not applicable to target tenant."})
	w.start("W")
	w.waiting("W", leaver.StepRemoveAllDevices)
	assert.Equal(t, leaver.IntuneNotLicensed, step(w.progress("W").Report, leaver.StepRemoveAllDevices).Failure.Type)

	_, err := w.run(programs.temporal, "workflow", "update", "execute", "--workflow-id", "W", "--name", "retryStep", "--input", `{"step":"revokeSessions"}`)
	require.Error(t, err, "an update about a step that has ended is refused")
	out, err := w.run(programs.starter, "skip-step", "--workflow-id", "W", graphsim.Leaver, "removeAllDevice")
	require.Error(t, err)
	assert.Contains(t, out, "want one of disableAccount, revokeSessions, removeAllDevices")
	w.must(programs.temporal, "workflow", "update", "execute", "--workflow-id", "W", "--name", "skipStep", "--input", `{"step":"removeAllDevices","by":"it","reason":"no Intune"}`)

	report, err := w.report("W")
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	assert.Equal(t, leaver.Skipped, step(report, leaver.StepRemoveAllDevices).Outcome)
	assert.Empty(t, step(report, leaver.StepRemoveAllDevices).Items, "no device was seen, so nothing is said about any")
	assert.Len(t, w.tenant.Users()[graphsim.Leaver].Devices, 4)
	w.nobodyElse()
}

func TestAnAbortedOffboardingFailsWithItsReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.tenant.Fail(graphsim.Fault{Method: "PATCH", Times: -1, Status: 403, Code: "Authorization_RequestDenied", Message: "Insufficient privileges to complete the operation."})
	w.start("W")
	w.waiting("W", leaver.StepDisableAccount)
	w.must(programs.starter, "abort", graphsim.Leaver, "--workflow-id", "W", "--by", "it@contoso.com")
	out, err := w.run(programs.starter, "watch", graphsim.Leaver, "--workflow-id", "W")
	require.Error(t, err, "the exit code says that it did not end well")
	assert.Contains(t, out, "aborted")
	report, err := w.report("W")
	assert.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
	assert.Equal(t, leaver.Aborted, report.Status)
	assert.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_FAILED, w.status("W"))
	assert.Equal(t, map[string]leaver.Outcome{
		leaver.StepDisableAccount: leaver.Failed, leaver.StepRevokeSessions: leaver.NotStarted,
		leaver.StepRemoveAllDevices: leaver.NotStarted,
	}, outcomes(report))
	assert.Equal(t, w.before, w.tenant.Users(), "nothing was changed")
}

func TestAnOrchestrationWithoutPeopleContinuesOrFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.tenant.Fail(graphsim.Fault{Path: "/revokeSignInSessions", Times: -1, Status: 403, Code: "Authorization_RequestDenied"})
	w.startWith("continue", leaver.Request{UserID: graphsim.Leaver, OnFailure: leaver.Continue})
	report, err := w.report("continue")
	assert.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
	assert.Equal(t, leaver.Incomplete, report.Status)
	assert.Equal(t, map[string]leaver.Outcome{
		leaver.StepDisableAccount: leaver.Done, leaver.StepRevokeSessions: leaver.Failed,
		leaver.StepRemoveAllDevices: leaver.Done,
	}, outcomes(report))
	assert.Empty(t, w.tenant.Users()[graphsim.Leaver].Devices)

	w.startWith("fail", leaver.Request{UserID: graphsim.Leaver, OnFailure: leaver.Fail})
	report, err = w.report("fail")
	assert.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
	assert.Equal(t, leaver.NotStarted, step(report, leaver.StepRemoveAllDevices).Outcome)
	w.nobodyElse()
}

func TestACancelledOffboardingLetsARunningWriteFinish(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.tenant.Fail(graphsim.Fault{Method: "PATCH", Delay: leaver.Duration(3 * time.Second)})
	w.start("W")
	w.arrived("PATCH", "")
	w.must(programs.temporal, "workflow", "cancel", "--workflow-id", "W")
	report, err := w.report("W")
	require.Error(t, err)
	assert.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED, w.status("W"))
	assert.Equal(t, leaver.CanceledStatus, report.Status)
	assert.Equal(t, map[string]leaver.Outcome{
		leaver.StepDisableAccount: leaver.Done, leaver.StepRevokeSessions: leaver.NotStarted,
		leaver.StepRemoveAllDevices: leaver.NotStarted,
	}, outcomes(report))
	assert.False(t, w.tenant.Users()[graphsim.Leaver].AccountEnabled)
	assert.Zero(t, w.requests("POST", ""))
	w.nobodyElse()
}

func TestBadInputFailsBeforeAnyCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	for input, field := range map[string]string{
		`{}`:                     "userId: is missing",
		`{"userId":"../groups"}`: "userId: must not contain '/'",
		`{"userId":"adele@contoso.com","force":1}`:                               "force: unknown field",
		`{"userId":["adele@contoso.com"]}`:                                       "userId: has the wrong type",
		`{"userId":"adele@contoso.com","steps":{"deleteMailbox":{"skip":true}}}`: "steps.deleteMailbox: there is no such step",
	} {
		out, _ := w.run(programs.tctl, "workflow", "run", "--taskqueue", "offboarding", "--workflow_type", "OffboardUser", "--workflow_id", "W", "--input", input)
		assert.Contains(t, out, "Status: FAILED", input)
		_, err := w.report("W")
		assert.True(t, leaver.IsFailure(err, leaver.InvalidRequest), input)
		assert.ErrorContains(t, err, field)
	}
	assert.Empty(t, w.tenant.Requests())
}

func TestAnUnknownUserFailsAndNobodyIsTouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	out, err := w.run(programs.starter, "start", "nobody@contoso.com")
	require.Error(t, err)
	assert.Contains(t, out, "no such user in this tenant")
	assert.NotContains(t, out, "nobody@contoso.com")
	assert.Equal(t, w.before, w.tenant.Users())
}

func TestAGuestIsOffboardedByName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	const guest = "alex_example.com#EXT#@contoso.onmicrosoft.com"
	w.startWith("W", leaver.Request{UserID: guest})
	report, err := w.report("W")
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.Equal(t, map[string]leaver.Outcome{
		leaver.StepDisableAccount: leaver.Done, leaver.StepRevokeSessions: leaver.Skipped,
		leaver.StepRemoveAllDevices: leaver.AlreadyDone,
	}, outcomes(report))
	assert.False(t, w.tenant.Users()[guest].AccountEnabled)
	assert.Zero(t, w.requests("POST", ""), "a leaver without devices: nothing is posted")
	assert.True(t, w.tenant.Users()[graphsim.Leaver].AccountEnabled)
}

func TestTheDeviceStepsUseACredentialOfTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{NoWorker: true})
	w.tenant.Configure(graphsim.Settings{DelegatedRemoval: true, PageSize: 3})
	users := "LEAVER_GRAPH_TOKEN=" + w.tenant.Token(graphsim.Application,
		"User.ReadWrite.All", "User.EnableDisableAccount.All", "User.RevokeSessions.All", "User.Read.All", "DeviceManagementManagedDevices.Read.All")
	w.env = []string{users}
	w.startWorker()
	w.start("W")
	w.waiting("W", leaver.StepRemoveAllDevices)
	var removal leaver.StepRecord
	w.until("every device is refused", func() bool {
		removal = step(w.progress("W").Report, leaver.StepRemoveAllDevices)
		return !slices.ContainsFunc(removal.Items, func(i leaver.Item) bool { return i.Outcome != leaver.Failed })
	})
	assert.Equal(t, leaver.GraphForbidden, removal.Failure.Type)
	assert.Contains(t, removal.Failure.Message, "LEAVER_DEVICE_CREDENTIAL")
	for _, item := range removal.Items {
		assert.Contains(t, item.Detail, "the worker sent an application token")
	}

	require.NoError(t, w.worker.Stop())
	w.env = []string{users, "LEAVER_DEVICE_CREDENTIAL=simulated", "LEAVER_DEVICE_GRAPH_TOKEN=" + w.tenant.Token(graphsim.Delegated,
		"DeviceManagementManagedDevices.Read.All", "DeviceManagementManagedDevices.PrivilegedOperations.All")}
	w.startWorker()
	w.must(programs.starter, "retry-step", "--workflow-id", "W", graphsim.Leaver, leaver.StepRemoveAllDevices)
	w.finished("W")
}

func TestADeviceThatNeverChecksInIsReportedNotForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{NoWorker: true})
	adele := w.tenant.Users()[graphsim.Leaver]
	adele.Devices[2].CheckIn = -1
	w.tenant.Add(adele)
	w.before = w.tenant.Users()
	w.startWorker()
	w.startWith("W", leaver.Request{UserID: graphsim.Leaver, DeviceDeadline: leaver.Duration(4 * time.Second)})
	w.waiting("W", leaver.StepRemoveAllDevices)
	waiting := step(w.progress("W").Report, leaver.StepRemoveAllDevices)
	assert.Equal(t, leaver.DevicesRemain, waiting.Failure.Type)
	for _, item := range waiting.Items {
		want := leaver.Done
		if item.ID == adele.Devices[2].ID {
			want = leaver.Failed
			assert.Equal(t, "retirePending", item.Device.ManagementState)
		}
		assert.Equal(t, want, item.Outcome, item.Device.Name)
	}
	w.must(programs.starter, "skip-step", "--workflow-id", "W", graphsim.Leaver, leaver.StepRemoveAllDevices, "--reason", "lost phone")
	report, err := w.report("W")
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	assert.Len(t, w.tenant.Users()[graphsim.Leaver].Devices, 1)
	w.nobodyElse()
}
