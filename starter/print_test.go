package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write what is printed to testdata/*.golden")

func TestMain(m *testing.M) {
	// Check-ins are shown in the local time zone.
	time.Local = time.UTC
	// Colours are not to be forced upon what is no terminal.
	_ = os.Unsetenv("CLICOLOR_FORCE")
	_ = os.Unsetenv("TTY_FORCE")
	os.Exit(m.Run())
}

func at(minute int) time.Time { return time.Date(2026, 3, 2, 9, minute, 0, 0, time.UTC) }

// device is an item as the devices step describes it.
func device(id, name, system, state string, verdict leaver.Verdict, calls ...leaver.Call) leaver.Item {
	item := leaver.Item{ID: id, Device: &leaver.Device{
		DeviceFacts: leaver.DeviceFacts{Name: name, OperatingSystem: system, OwnerType: "company", ManagementState: state, LastSyncDateTime: at(0).Add(-time.Hour)},
		Planned:     leaver.Retire, Calls: calls, Verdict: verdict,
	}}
	switch verdict {
	case leaver.Gone:
		item.Outcome = leaver.Done
	case leaver.Kept, leaver.GivenUp:
		item.Outcome = leaver.Skipped
	}
	return item
}

// call is a write that was made for a device.
func call(action leaver.DeviceAction, minute int, answer leaver.CallAnswer) leaver.Call {
	return leaver.Call{Action: action, At: at(minute), Answer: answer}
}

// question is an item that a person is to decide about.
func question(item leaver.Item, why string) leaver.Item {
	item.Outcome, item.Detail = leaver.Failed, why
	return item
}

// told is an item with what is said of it.
func told(item leaver.Item, outcome leaver.Outcome, detail string) leaver.Item {
	item.Outcome, item.Detail = outcome, detail
	return item
}

func record(name string, state leaver.State, outcome leaver.Outcome, detail string, items ...leaver.Item) leaver.StepRecord {
	step := leaver.Step{Name: name, Shape: leaver.Single, Activity: strings.ToUpper(name[:1]) + name[1:], Summary: "Summary of " + name}
	switch name {
	case leaver.StepRemoveAllDevices:
		step.Shape = leaver.Devices
	case leaver.StepDeleteAutopilotIdentities:
		step.Shape, step.Activity, step.Change = leaver.Each, leaver.ActivityListAutopilotIdentities, leaver.ActivityDeleteAutopilotIdentity
	}
	return leaver.StepRecord{Step: step, State: state, Outcome: outcome, Detail: detail, Items: items}
}

func adele(status leaver.Status, steps ...leaver.StepRecord) leaver.Report {
	return leaver.Report{
		Status: status, StartedAt: at(0), EndedAt: at(30), Steps: steps,
		Leaver: leaver.Leaver{ID: "8f3c6a52-0c1e-4f0e-9b7e-0d7f5c3a1b2d", UserPrincipalName: "adele@contoso.com", AccountEnabled: true},
	}
}

func completedReport() leaver.Report {
	accepted := call(leaver.Retire, 2, leaver.CallAccepted)
	accepted.All = true
	return adele(leaver.Completed,
		record(leaver.StepDisableAccount, leaver.StepEnded, leaver.Done, "sign-in is blocked"),
		record(leaver.StepRevokeSessions, leaver.StepEnded, leaver.Skipped, "the request leaves it out"),
		record(leaver.StepRemoveAllDevices, leaver.StepEnded, leaver.Done, "2 devices gone",
			told(device("d1", "CONTOSO-LT-0417", "Windows", "retirePending", leaver.Gone, accepted), leaver.Done, "gone"),
			told(device("d2", "Adele's iPhone", "iOS", "retireIssued", leaver.Gone, accepted), leaver.Done, "gone")))
}

func incompleteReport() leaver.Report {
	accepted := call(leaver.Retire, 2, leaver.CallAccepted)
	again := call(leaver.Retire, 7, leaver.CallAccepted)
	again.Again = true
	report := adele(leaver.Incomplete,
		record(leaver.StepDisableAccount, leaver.StepEnded, leaver.AlreadyDone, "sign-in was blocked before"),
		record(leaver.StepRevokeSessions, leaver.StepEnded, leaver.Failed, "RevokeSessions: grant the permission User.RevokeSessions.All (the worker sent an application token), then retry; Graph answered 403 Authorization_RequestDenied"),
		record(leaver.StepRemoveAllDevices, leaver.StepEnded, leaver.Failed, "3 devices for a person to decide about: each says why; answer for each, giveUp leaves it as it is",
			told(device("d1", "CONTOSO-LT-0417", "Windows", "retirePending", leaver.Gone, accepted), leaver.Done, "gone"),
			question(device("d2", "Pixel of Adele", "Android", "retirePending", leaver.Silent, accepted), "its deadline has passed; it has not checked in since it was asked"),
			question(device("d3", "CONTOSO-LT-0418", "Windows", "retireFailed", leaver.RemovalFailed, accepted, again), "was asked twice: see in Intune why it refuses"),
			question(device("d4", "CONTOSO-LT-0419", "Windows", "managed", leaver.NotAsked, call(leaver.Retire, 2, leaver.CallRefused)), "RetireDevice: Graph refuses it")),
		record("deleteUser", leaver.StepEnded, leaver.NotStarted, ""))
	report.Steps[1].Failure = &leaver.StepFailure{Type: leaver.GraphForbidden, Message: report.Steps[1].Detail}
	return report
}

// plannedReport is what a dry run shows: nothing has been done yet.
func plannedReport() leaver.Report {
	planned := func(item leaver.Item, action leaver.DeviceAction, key leaver.RecoveryKey, detail string) leaver.Item {
		item.Device.Planned, item.Device.RecoveryKey, item.Detail = action, key, detail
		return item
	}
	return adele(leaver.Planned,
		record(leaver.StepDisableAccount, leaver.StepPending, "", ""),
		record(leaver.StepRemoveAllDevices, leaver.StepPending, "", "",
			planned(device("d1", "CONTOSO-LT-0417", "Windows", "managed", ""), leaver.Wipe, leaver.RecoveryKeyOnRecord, ""),
			planned(device("d2", "CONTOSO-LT-0418", "Windows", "managed", ""), leaver.Wipe, leaver.RecoveryKeyMissing, "no BitLocker recovery key is on record"),
			planned(device("d3", "CONTOSO-PH-0101", "Android", "managed", ""), leaver.Retire, "", "a person will be asked: retire is not supported for a corporate Android device: choose wipe"),
			planned(device("d4", "Adele's iPhone", "iOS", "managed", ""), leaver.Retire, "", "")))
}

// leftReport is of devices that have left Intune, and of what is left of them.
func leftReport() leaver.Report {
	gone := func(id, name string) leaver.Item {
		return told(device(id, name, "Windows", "retirePending", leaver.Gone, call(leaver.Retire, 2, leaver.CallAccepted)), leaver.Done, "gone")
	}
	refused := told(gone("a3", "CONTOSO-LT-0419"), leaver.Failed, "grant the permission DeviceManagementServiceConfig.ReadWrite.All")
	refused.Failure = leaver.GraphForbidden
	return adele(leaver.Incomplete,
		record(leaver.StepRemoveAllDevices, leaver.StepEnded, leaver.Done, "3 devices gone",
			gone("d1", "CONTOSO-LT-0417"), gone("d2", "CONTOSO-LT-0418"), gone("d3", "CONTOSO-LT-0419")),
		record(leaver.StepDeleteAutopilotIdentities, leaver.StepEnded, leaver.Failed, "1 item for a person to decide about: grant the permission DeviceManagementServiceConfig.ReadWrite.All",
			told(gone("a1", "CONTOSO-LT-0417"), leaver.Done, ""), told(gone("a2", "CONTOSO-LT-0418"), leaver.AlreadyDone, "not in Autopilot"), refused),
		record("groups", leaver.StepEnded, leaver.Done, "1 item changed",
			leaver.Item{ID: "6a1f0e1c-aaaa-4f0e-9b7e-0d7f5c3a1b2d", Outcome: leaver.Done, Detail: "not a member any more"},
			leaver.Item{ID: "77aa0e1c-bbbb-4f0e-9b7e-0d7f5c3a1b2d", Outcome: leaver.Failed, Detail: "the group is dynamic: change its rule"},
			leaver.Item{ID: "88bb0e1c-cccc-4f0e-9b7e-0d7f5c3a1b2d", Outcome: leaver.Skipped, Choice: leaver.GiveUp, Detail: "left as it is, by a decision"}))
}

func waitingView() view {
	accepted := call(leaver.Retire, 4, leaver.CallAccepted)
	report := adele(leaver.Waiting,
		record(leaver.StepDisableAccount, leaver.StepWaiting, "", "DisableAccount: grant the permission User.EnableDisableAccount.All"),
		record(leaver.StepRevokeSessions, leaver.StepPending, "", ""),
		record(leaver.StepRemoveAllDevices, leaver.StepRunning, "", "2 devices on its way; 1 device gone",
			told(device("d1", "CONTOSO-LT-0417", "Windows", "retirePending", leaver.Gone, accepted), leaver.Done, "gone"),
			device("d2", "CONTOSO-MB-0012", "macOS", "retirePending", leaver.Leaving, accepted),
			told(device("d3", "Pixel", "Android", "retirePending", leaver.Leaving, accepted), "", "still managed, no longer listed for the leaver")),
		record("mailbox", leaver.StepPending, "", ""))
	report.EndedAt = time.Time{}
	report.Steps[3].Skip = "there is no mailbox"
	report.Steps[1].Note = "takes a few minutes"
	return view{
		user: "adele@contoso.com", workflowID: "offboard-1", at: at(10),
		progress: leaver.Progress{Report: report, Waits: []leaver.Wait{
			{Step: leaver.StepDisableAccount, For: leaver.WaitForPerson, Since: at(5), Actions: leaver.Actions()},
			{Step: leaver.StepRemoveAllDevices, For: leaver.WaitForDevices, Since: at(6)},
		}},
		attempts: map[string]attempt{leaver.ActivityLookAtDevices: {number: 3, next: at(14)}},
	}
}

// mixedView is of a fleet in which there is every verdict, and of a step that asks about
// one of its items while it changes the others.
func mixedView() view {
	accepted, lost := call(leaver.Retire, 4, leaver.CallAccepted), call(leaver.Retire, 4, leaver.CallUnknown)
	queued, refused := call(leaver.Retire, 4, leaver.CallQueued), call(leaver.Retire, 4, leaver.CallRefused)
	again := call(leaver.Retire, 7, leaver.CallAccepted)
	again.Again = true
	approval := device("d04", "CONTOSO-LT-0404", "Windows", "managed", leaver.AwaitingApproval, queued)
	approval.Approval = &leaver.Approval{Code: "0f0d2f3a-8f5e-4f43-9a39-0f6d1a6c0c11", Status: leaver.ApprovalNeeded, Operation: leaver.Retire, RequestedAt: at(4)}
	decided := told(device("d05", "CONTOSO-LT-0405", "Windows", "managed", leaver.NotAsked, refused), "", "the tenant's daily limit for this is used up, waiting until tomorrow")
	decided.Choice = leaver.Choice(leaver.Wipe)
	kept := device("d12", "CONTOSO-KIOSK-1", "Windows", "managed", leaver.Kept)
	kept.Device.Planned, kept.Detail = leaver.Keep, "left as it is, as the policy says"
	personal := device("d13", "Adele's iPad", "iOS", "retirePending", leaver.GivenUp, accepted)
	personal.Device.OwnerType, personal.Detail = "personal", "left as it is, by a decision"

	autopilot := func(id, name string, outcome leaver.Outcome, detail string) leaver.Item {
		return told(device(id, name, "Windows", "", leaver.Gone), outcome, detail)
	}
	asked := autopilot("a2", "CONTOSO-LT-0402", leaver.Failed, "DeleteAutopilotIdentity: Graph refuses it")
	asked.Failure = leaver.GraphForbidden

	report := adele(leaver.Waiting,
		record(leaver.StepDisableAccount, leaver.StepEnded, leaver.Done, "sign-in is blocked"),
		record(leaver.StepRevokeSessions, leaver.StepRunning, "", ""),
		record(leaver.StepRemoveAllDevices, leaver.StepWaiting, "", "5 devices on its way; the tenant's daily limit for this is used up, waiting until tomorrow",
			told(device("d01", "CONTOSO-LT-0401", "Windows", "retirePending", leaver.Gone, accepted), leaver.Done, "gone"),
			device("d02", "CONTOSO-LT-0402", "Windows", "retirePending", leaver.Leaving, accepted),
			told(device("d03", "CONTOSO-LT-0403", "Windows", "managed", leaver.Leaving, call(leaver.Retire, 9, leaver.CallPending)), "", "is being asked"),
			approval,
			decided,
			question(device("d06", "CONTOSO-LT-0406", "Windows", "managed", leaver.Unknown, lost), "the call was stopped before its answer came"),
			question(device("d07", "Pixel of Adele", "Android", "retirePending", leaver.Silent, accepted), "its deadline has passed; it has not checked in since it was asked"),
			question(device("d08", "CONTOSO-LT-0408", "Windows", "retireFailed", leaver.RemovalFailed, accepted, again), "was asked twice: see in Intune why it refuses"),
			question(device("d09", "CONTOSO-LT-0409", "Windows", "wipeCanceled", leaver.RemovalCanceled, accepted, call(leaver.Wipe, 7, leaver.CallUnknown)), "was asked twice: see in Intune why it refuses"),
			question(device("d10", "CONTOSO-PH-0410", "Android", "managed", leaver.NotAsked), "retire is not supported for a corporate Android device: choose wipe"),
			question(device("d11", "CONTOSO-LT-0411", "Windows", "managed", leaver.Leaving, accepted, refused), "its deadline has passed; it has checked in since it was asked, and is still managed"),
			kept, personal),
		record(leaver.StepDeleteAutopilotIdentities, leaver.StepWaiting, "", "",
			autopilot("a1", "CONTOSO-LT-0401", leaver.Done, ""), asked,
			autopilot("a3", "CONTOSO-LT-0403", "", ""), autopilot("a4", "CONTOSO-LT-0404", leaver.AlreadyDone, "not in Autopilot")))
	report.EndedAt = time.Time{}
	waits := []leaver.Wait{
		{Step: leaver.StepRemoveAllDevices, For: leaver.WaitForPerson, Since: at(8), Actions: leaver.Actions(),
			Choices: []leaver.Choice{leaver.WaitLonger, leaver.Retry, leaver.Choice(leaver.Wipe), leaver.GiveUp}},
		{Step: leaver.StepRemoveAllDevices, For: leaver.WaitForApproval, Since: at(8), Choices: []leaver.Choice{leaver.Approved, leaver.GiveUp}},
		{Step: leaver.StepRemoveAllDevices, For: leaver.WaitForGraph, Since: at(8), Until: at(0).Add(15 * time.Hour)},
		{Step: leaver.StepRemoveAllDevices, For: leaver.WaitForDevices, Since: at(8)},
		{Step: leaver.StepDeleteAutopilotIdentities, For: leaver.WaitForPerson, Since: at(9), Actions: leaver.Actions(), Choices: []leaver.Choice{leaver.Retry, leaver.GiveUp}},
	}
	return view{
		user: "adele@contoso.com", workflowID: "offboard-1", at: at(10),
		progress: leaver.Progress{Report: report, Waits: waits, Refused: []leaver.RefusedSignal{{Action: leaver.SkipStep, Why: "step: is missing", At: at(7)}}},
		attempts: map[string]attempt{
			leaver.ActivityRevokeSessions:          {number: 4, failure: "RevokeSessions: Graph answered 503", next: at(11)},
			leaver.ActivityDeleteAutopilotIdentity: {number: 2, failure: "DeleteAutopilotIdentity: Graph answered 500"},
			leaver.ActivityRetireDevice:            {number: 3, failure: "RetireDevice: Graph answered 429", next: at(12)},
			leaver.ActivityLookAtDevices:           {number: 5, next: at(14)},
		},
	}
}

// lostView is what is shown while no worker answers: what was seen last, and why.
func lostView() view {
	v := waitingView()
	v.problem = "no worker answers on the task queue offboarding: is one running?"
	return v
}

// printed is what a starter without a terminal prints.
func printed(t *testing.T, output string, report leaver.Report, v view) string {
	t.Helper()
	var out bytes.Buffer
	s := &starter{output: output, out: &out, err: io.Discard}
	require.NoError(t, s.print(report, v))
	return out.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "make it with -update and look at it")
	assert.Equal(t, string(want), got)
}

func TestAReportIsPrintedForPeople(t *testing.T) {
	t.Parallel()
	closed := view{workflowID: "offboard-1", closed: true}
	for name, got := range map[string]string{
		"completed":  printed(t, "table", completedReport(), closed),
		"incomplete": printed(t, "table", incompleteReport(), closed),
		"waiting":    printed(t, "table", waitingView().progress.Report, waitingView()),
		"mixed":      printed(t, "table", mixedView().progress.Report, mixedView()),
		"lost":       printed(t, "table", lostView().progress.Report, lostView()),
		"planned":    printed(t, "table", plannedReport(), closed),
		"left":       printed(t, "table", leftReport(), closed),
		"unplanned":  printed(t, "table", leaver.Report{Status: leaver.Planning}, view{workflowID: "offboard-1", problem: "no worker answers on the task queue offboarding: is one running?"}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.NotContains(t, got, "\x1b", "colours are for terminals")
			golden(t, name, got)
		})
	}
}

func TestANarrowTerminalWrapsTheTable(t *testing.T) {
	t.Parallel()
	text := waitingView().table(70)
	for line := range strings.Lines(text + mixedView().table(70)) {
		if strings.Contains(line, "│") || strings.Contains(line, "starter") {
			assert.LessOrEqual(t, len([]rune(strip(strings.TrimSuffix(line, "\n")))), 70, line)
		}
	}
	assert.Contains(t, strings.Join(strings.Fields(strip(text)), " "), "starter retry-step adele@contoso.com disableAccount, or skip-step, or abort (workflow offboard-1)")
}

func TestWhyGraphIsWaitedForIsToldAndUntilWhen(t *testing.T) {
	t.Parallel()
	v := waitingView()
	v.progress.Steps[2].Detail, v.attempts = "the tenant's daily limit for this is used up", nil
	v.progress.Waits = append(v.progress.Waits, leaver.Wait{Step: leaver.StepRemoveAllDevices, For: leaver.WaitForGraph, Until: at(59)})
	assert.Equal(t, "the tenant's daily limit for this is used up; Graph is asked again at 2026-03-02 09:59:00", v.detail(v.progress.Steps[2], true))
}

func TestAStepThatIsTriedAgainSaysWhyAndWhen(t *testing.T) {
	t.Parallel()
	failed := func(next int) attempt { return attempt{number: 4, failure: "Graph answered 503", next: at(next)} }
	for name, c := range map[string]struct {
		step    string
		pending string
		attempt attempt
		want    string
	}{
		"single":              {leaver.StepDisableAccount, leaver.ActivityDisableAccount, failed(11), "Graph answered 503; attempt 4 at 09:11:00"},
		"at work":             {leaver.StepDisableAccount, leaver.ActivityDisableAccount, failed(9), "Graph answered 503"},
		"first":               {leaver.StepDisableAccount, leaver.ActivityDisableAccount, attempt{number: 1}, "Summary of disableAccount"},
		"list":                {leaver.StepDeleteAutopilotIdentities, leaver.ActivityListAutopilotIdentities, failed(11), "Graph answered 503; attempt 4 at 09:11:00"},
		"change":              {leaver.StepDeleteAutopilotIdentities, leaver.ActivityDeleteAutopilotIdentity, failed(11), "Graph answered 503; attempt 4 at 09:11:00"},
		"all devices":         {leaver.StepRemoveAllDevices, leaver.ActivityRemoveAllDevices, failed(11), "Graph answered 503; attempt 4 at 09:11:00"},
		"wipe":                {leaver.StepRemoveAllDevices, leaver.ActivityWipeDevice, failed(11), "Graph answered 503; attempt 4 at 09:11:00"},
		"look":                {leaver.StepRemoveAllDevices, leaver.ActivityLookAtDevices, attempt{number: 4, next: at(11)}, "next look at 09:11:00"},
		"look that failed":    {leaver.StepRemoveAllDevices, leaver.ActivityLookAtDevices, failed(11), "Graph answered 503; next look at 09:11:00"},
		"another's activity":  {leaver.StepDisableAccount, leaver.ActivityRevokeSessions, failed(11), "Summary of disableAccount"},
		"no change of a list": {leaver.StepDisableAccount, "", failed(11), "Summary of disableAccount"},
	} {
		v := view{at: at(10), attempts: map[string]attempt{c.pending: c.attempt}}
		assert.Equal(t, c.want, v.detail(record(c.step, leaver.StepRunning, "", ""), true), name)
	}
	v := view{at: at(10), attempts: map[string]attempt{leaver.ActivityDisableAccount: failed(11)}}
	for _, state := range []leaver.State{leaver.StepPending, leaver.StepEnded} {
		assert.Equal(t, "as it was", v.detail(record(leaver.StepDisableAccount, state, "", "as it was"), true), "an attempt is not of a step that is %s", state)
	}
}

func TestAWorkerThatMayNotReadApprovalsIsTold(t *testing.T) {
	t.Parallel()
	v := waitingView()
	v.progress.Steps[2].State, v.progress.Steps[2].Detail = leaver.StepAwaitingApproval, "1 device awaits approval; the worker may not read how the approvals stand"
	assert.Equal(t, v.progress.Steps[2].Detail+"; next look at 09:14:00", v.detail(v.progress.Steps[2], true))
	assert.Contains(t, v.table(0), "awaitingApproval")
}

func TestAPlanThatCannotBeMadeYetSaysWhyAndWhenItIsTriedNext(t *testing.T) {
	t.Parallel()
	v := view{at: at(10), progress: leaver.Progress{Report: leaver.Report{Status: leaver.Planning}},
		attempts: map[string]attempt{leaver.ActivityPlanOffboarding: {number: 4, failure: "PlanOffboarding: Graph answered 503", next: at(11)}}}
	const want = "there is no plan yet: PlanOffboarding: Graph answered 503; attempt 4 at 09:11:00"
	assert.Equal(t, []line{{"plan", want}}, v.lines())
	assert.Contains(t, strip(v.table(0)), want)
	v.progress.Steps = waitingView().progress.Steps
	assert.NotContains(t, strip(v.table(0)), "there is no plan yet")
}

func TestALineIsNoOtherWhenOnlyTheNextLookIs(t *testing.T) {
	t.Parallel()
	before, after := waitingView(), waitingView()
	after.attempts = map[string]attempt{leaver.ActivityLookAtDevices: {number: 4, next: at(18)}}
	assert.Equal(t, before.lines(), after.lines())
	assert.NotEqual(t, before.table(0), after.table(0))
	after.attempts = map[string]attempt{leaver.ActivityLookAtDevices: {number: 4, failure: "LookAtDevices: Graph answered 503", next: at(18)}}
	assert.NotEqual(t, before.lines(), after.lines(), "a look that failed is news")
}

var colours = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// strip removes colours.
func strip(text string) string { return colours.ReplaceAllString(text, "") }

func TestAReportIsPrintedForPrograms(t *testing.T) {
	t.Parallel()
	text := printed(t, "json", completedReport(), view{closed: true})
	var report leaver.Report
	require.NoError(t, json.Unmarshal([]byte(text), &report))
	assert.Equal(t, completedReport(), report)
	golden(t, "completed.json", text)
}

func TestAProgressReportIsPrintedForPrograms(t *testing.T) {
	t.Parallel()
	text := printed(t, "json", waitingView().progress.Report, waitingView())
	var report leaver.Report
	require.NoError(t, json.Unmarshal([]byte(text), &report))
	assert.Equal(t, leaver.Waiting, report.Status)
	assert.NotContains(t, text, "endedAt")
	var progress leaver.Progress
	require.NoError(t, json.Unmarshal([]byte(text), &progress))
	assert.Len(t, progress.Waits, 2, "a program learns whom it waits for")
}

// Whoever enrols a device chooses its name.
func TestANameCannotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	for name, hostile := range map[string]string{
		"title":       "PC\x1b]0;owned\x07",
		"colour":      "PC\x1b[31m",
		"clear":       "PC\x1b[2J\x1b[H",
		"line feed":   "PC\nDONE",
		"return":      "PC\rDONE",
		"C1 sequence": "PC\u009b31m",
		"bidi":        "PC\u202egnp",
		"zero width":  "P\u200bC",
		"backspace":   "PC\b\b",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := completedReport()
			report.Leaver.UserPrincipalName = hostile
			report.Steps[2].Items[0].Device.Name = hostile
			text := printed(t, "table", report, view{workflowID: "offboard-1", closed: true})
			assert.NotContains(t, text, hostile)
			assert.Equal(t, 2, strings.Count(text, printable(hostile)))
			assert.Contains(t, printable(hostile), "\uFFFD")
			assert.Equal(t, strings.Count(printed(t, "table", completedReport(), view{workflowID: "offboard-1", closed: true}), "\n"), strings.Count(text, "\n"))
		})
	}
	assert.Equal(t, "Adèle's 电脑 (2)", printable("Adèle's 电脑 (2)"), "what can be printed stays")
}

// A host's worker, Microsoft and whoever decides write the rest.
func TestNothingThatIsPrintedCanSteerTheTerminal(t *testing.T) {
	t.Parallel()
	const hostile = "\x1b]0;owned\x07\u202e\n"
	v := mixedView()
	v.user, v.workflowID, v.problem = hostile, hostile, hostile
	v.progress.Status = hostile
	v.progress.Refused[0].Why, v.progress.Refused[0].Action = hostile, hostile
	v.progress.Waits[0].Step, v.progress.Waits[0].Choices[0] = hostile, hostile
	v.attempts = map[string]attempt{hostile: {failure: hostile}}
	for i := range v.progress.Steps {
		s := &v.progress.Steps[i]
		s.Name, s.Activity, s.Change, s.Detail = hostile, hostile, hostile, hostile
		for j := range s.Items {
			item := &s.Items[j]
			item.ID, item.Detail, item.Outcome, item.Choice = hostile, hostile, leaver.Outcome(hostile), leaver.Choice(hostile)
			if j%2 == 0 {
				item.Choice = ""
			}
			if item.Approval != nil {
				item.Approval.Code, item.Choice = hostile, ""
			}
			d := item.Device
			d.Name, d.OperatingSystem, d.OwnerType, d.ManagementState, d.Planned = hostile, hostile, hostile, hostile, hostile
			for k := range d.Calls {
				d.Calls[k].Action = hostile
			}
			if d.Verdict != leaver.AwaitingApproval {
				d.Verdict = hostile
			}
		}
	}
	text := strip(v.table(0))
	for _, l := range v.lines() {
		text += l.text
	}
	for _, r := range hostile[:len(hostile)-1] {
		if !unicode.IsPrint(r) {
			assert.NotContains(t, text, string(r))
		}
	}
	assert.Equal(t, strings.Count(mixedView().table(0), "\n")+1, strings.Count(v.table(0), "\n"), "one line more, for the problem")
}

func TestLinesSayWhatEachStepDoesAndWhatToType(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]view{"waiting.lines": waitingView(), "mixed.lines": mixedView(), "lost.lines": lostView()} {
		var text strings.Builder
		for _, l := range v.lines() {
			text.WriteString(l.text + "\n")
		}
		golden(t, name, text.String())
	}
}

func TestALineIsShownOnceForEachThing(t *testing.T) {
	t.Parallel()
	about := map[string]int{}
	for _, l := range mixedView().lines() {
		about[l.about]++
	}
	for name, n := range about {
		assert.Equal(t, 1, n, name)
	}
	v := view{problem: "no worker answers"}
	assert.Equal(t, []line{{"problem", "no worker answers"}}, v.lines())
}

func TestWhatDidNotArriveIsSaid(t *testing.T) {
	t.Parallel()
	v := view{progress: leaver.Progress{Report: leaver.Report{Notices: []leaver.Notice{
		{ID: "r-begun-1", Moment: leaver.MomentBegun, At: at(7), By: leaver.NoticeByMail, Outcome: leaver.Done},
		{ID: "r-ended-1", Moment: leaver.MomentEnded, At: at(8), By: leaver.NoticeByWebhook, Outcome: leaver.Failed, Detail: "the webhook answered 401"},
	}}}}
	for _, text := range []string{v.table(0), fmt.Sprint(v.lines())} {
		assert.Contains(t, text, "the notification ended of "+moment(at(8))+" by webhook did not arrive: the webhook answered 401")
		assert.NotContains(t, text, "begun")
	}
}

func TestWhatPlanningWaitsForAndWhatTemporalWillEndAreSaid(t *testing.T) {
	t.Parallel()
	v := view{at: at(10), progress: leaver.Progress{Report: leaver.Report{Status: leaver.Planning}, Warnings: []string{"Temporal ends this offboarding"},
		Waits: []leaver.Wait{{For: leaver.WaitForGraph, Since: at(7), Until: at(31), Why: "grant User.Read.All"}}}}
	for _, text := range []string{v.table(0), fmt.Sprint(v.lines())} {
		assert.Contains(t, text, "there is no plan yet: since")
		assert.Contains(t, text, "grant User.Read.All")
		assert.Contains(t, text, "Temporal ends this offboarding")
	}
}
