package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

// device is an item as the devices steps describe it.
func device(id, name, system, state string, outcome leaver.Outcome) leaver.Item {
	seen := at(0).Add(-time.Hour)
	return leaver.Item{ID: id, Outcome: outcome, Device: &leaver.Device{
		Name: name, OperatingSystem: system, OwnerType: "company", ManagementState: state, LastSyncDateTime: &seen,
	}}
}

func record(name string, state leaver.State, outcome leaver.Outcome, detail string, items ...leaver.Item) leaver.StepRecord {
	return leaver.StepRecord{
		Step:  leaver.Step{Name: name, Activity: strings.ToUpper(name[:1]) + name[1:], Summary: "Summary of " + name},
		State: state, Outcome: outcome, Detail: detail, Items: items,
	}
}

func adele(status leaver.Status, steps ...leaver.StepRecord) leaver.Report {
	return leaver.Report{
		Status: status, StartedAt: at(0), EndedAt: at(30), Steps: steps,
		Leaver: leaver.Leaver{ID: "8f3c6a52-0c1e-4f0e-9b7e-0d7f5c3a1b2d", UserPrincipalName: "adele@contoso.com", AccountEnabled: true},
	}
}

func completedReport() leaver.Report {
	return adele(leaver.Completed,
		record(leaver.StepDisableAccount, leaver.StepEnded, leaver.Done, "sign-in is blocked"),
		record(leaver.StepRevokeSessions, leaver.StepEnded, leaver.Skipped, "the request leaves it out"),
		record(leaver.StepRemoveAllDevices, leaver.StepEnded, leaver.Done, "Intune accepted the retirement of 2 devices",
			device("d1", "CONTOSO-LT-0417", "Windows", "managed", ""), device("d2", "Adele's iPhone", "iOS", "managed", "")),
		record(leaver.StepAwaitDevicesRemoved, leaver.StepEnded, leaver.Done, "2 devices gone",
			device("d1", "CONTOSO-LT-0417", "Windows", "retirePending", leaver.Done), device("d2", "Adele's iPhone", "iOS", "retireIssued", leaver.Done)))
}

// judged is a device that was asked to leave.
func judged(item leaver.Item, verdict leaver.Verdict) leaver.Item {
	asked := at(2)
	item.Device.Action, item.Device.ActionAt, item.Device.Verdict = leaver.Retire, &asked, verdict
	return item
}

func incompleteReport() leaver.Report {
	report := adele(leaver.Incomplete,
		record(leaver.StepDisableAccount, leaver.StepEnded, leaver.AlreadyDone, "sign-in was blocked before"),
		record(leaver.StepRevokeSessions, leaver.StepEnded, leaver.Failed, "RevokeSessions: grant the permission User.RevokeSessions.All (the worker sent an application token), then retry; Graph answered 403 Authorization_RequestDenied"),
		record(leaver.StepRemoveAllDevices, leaver.StepEnded, leaver.Done, "Intune accepted the retirement of 2 devices",
			device("d1", "CONTOSO-LT-0417", "Windows", "managed", ""), device("d2", "Pixel of Adele", "Android", "managed", "")),
		record(leaver.StepAwaitDevicesRemoved, leaver.StepEnded, leaver.Failed, "AwaitDevicesRemoved: 1 of 2 devices still managed (retirePending 1)",
			device("d1", "CONTOSO-LT-0417", "Windows", "retirePending", leaver.Done), judged(device("d2", "Pixel of Adele", "Android", "retirePending", leaver.Failed), leaver.Silent),
			judged(device("d3", "CONTOSO-LT-0418", "Windows", "retireFailed", leaver.Failed), leaver.RemovalFailed), device("d4", "CONTOSO-LT-0419", "Windows", "managed", leaver.Failed)),
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
	left := func(id, name string, outcome leaver.Outcome, detail string) leaver.Item {
		item := judged(device(id, name, "Windows", "retirePending", outcome), leaver.Gone)
		item.Detail = detail
		return item
	}
	return adele(leaver.Incomplete,
		record(leaver.StepAwaitDevicesRemoved, leaver.StepEnded, leaver.Done, "3 devices gone",
			left("d1", "CONTOSO-LT-0417", leaver.Done, "gone"), left("d2", "CONTOSO-LT-0418", leaver.Done, "gone"), left("d3", "CONTOSO-LT-0419", leaver.Done, "gone")),
		record(leaver.StepDeleteAutopilotIdentities, leaver.StepEnded, leaver.Failed, "DeleteAutopilotIdentities: Graph refuses 1 of 3",
			left("d1", "CONTOSO-LT-0417", leaver.Done, ""), left("d2", "CONTOSO-LT-0418", leaver.AlreadyDone, "not in Autopilot"),
			left("d3", "CONTOSO-LT-0419", leaver.Failed, "grant the permission DeviceManagementServiceConfig.ReadWrite.All")))
}

func waitingView() view {
	report := adele(leaver.Waiting,
		record(leaver.StepDisableAccount, leaver.StepWaiting, "", "DisableAccount: grant the permission User.EnableDisableAccount.All"),
		record(leaver.StepRevokeSessions, leaver.StepPending, "", ""),
		record(leaver.StepRemoveAllDevices, leaver.StepEnded, leaver.Done, "Intune accepted the retirement of 3 devices",
			device("d1", "CONTOSO-LT-0417", "Windows", "managed", ""), device("d2", "CONTOSO-MB-0012", "macOS", "managed", ""), device("d3", "Pixel", "Android", "managed", "")),
		record(leaver.StepAwaitDevicesRemoved, leaver.StepRunning, "", ""),
		record("mailbox", leaver.StepPending, "", ""))
	report.EndedAt = time.Time{}
	report.Steps[4].Skip = "there is no mailbox"
	report.Steps[1].Note = "takes a few minutes"
	given := device("d3", "Pixel", "Android", "retirePending", "")
	given.Detail = "still managed, no longer listed for the leaver"
	return view{
		user: "adele@contoso.com", workflowID: "offboard-1",
		progress: leaver.Progress{Report: report, Waits: []leaver.Wait{
			{Step: leaver.StepDisableAccount, For: leaver.WaitForPerson, Since: at(5), Actions: leaver.Actions()},
			{Step: leaver.StepAwaitDevicesRemoved, For: "devices", Since: at(6)},
		}},
		attempts: map[string]attempt{leaver.ActivityAwaitDevicesRemoved: {
			number: 3, failure: "AwaitDevicesRemoved: 2 of 3 devices still managed (retirePending 2)",
			items: []leaver.Item{device("d1", "CONTOSO-LT-0417", "Windows", "retirePending", leaver.Done), device("d2", "CONTOSO-MB-0012", "macOS", "retirePending", ""), given},
		}},
	}
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
	for line := range strings.Lines(text) {
		if strings.Contains(line, "│") || strings.Contains(line, "starter") {
			assert.LessOrEqual(t, len([]rune(strip(strings.TrimSuffix(line, "\n")))), 70, line)
		}
	}
	assert.Contains(t, strings.Join(strings.Fields(strip(text)), " "), "starter retry-step adele@contoso.com disableAccount, or skip-step, or abort (workflow offboard-1)")
}

func TestARefusedSignalIsTold(t *testing.T) {
	t.Parallel()
	v := waitingView()
	v.progress.Refused = []leaver.RefusedSignal{{Action: leaver.SkipStep, Why: "step: is missing", At: at(7)}}
	const want = "the signal skipStep of 09:07:00 was refused: step: is missing"
	assert.Contains(t, v.table(0), want)
	assert.Contains(t, v.lines(), line{"refused", want})
}

func TestWhyGraphIsWaitedForIsTold(t *testing.T) {
	t.Parallel()
	v := waitingView()
	v.progress.Steps[3].Detail = "the tenant's daily limit for this is used up"
	v.progress.Waits = append(v.progress.Waits, leaver.Wait{Step: leaver.StepAwaitDevicesRemoved, For: leaver.WaitForGraph})
	assert.Equal(t, "the tenant's daily limit for this is used up", v.detail(v.progress.Steps[3]))
}

func TestAWorkerThatMayNotReadApprovalsIsTold(t *testing.T) {
	t.Parallel()
	v := waitingView()
	v.progress.Steps[0].State = leaver.StepAwaitingApproval
	v.attempts[leaver.ActivityAwaitApproval] = attempt{failure: "AwaitApproval: the worker may not read how that stands"}
	assert.Contains(t, v.detail(v.progress.Steps[0]), "may not read")
}

func TestAnUnknownStepIsNamed(t *testing.T) {
	t.Parallel()
	_, err := waitingView().items("foo", []string{"d1"})
	require.ErrorContains(t, err, `the plan has no step "foo", want one of disableAccount, `)
}

// strip removes colours.
func strip(text string) string {
	var kept strings.Builder
	for _, part := range strings.Split(text, "\x1b[") {
		if kept.Len() == 0 && !strings.HasPrefix(text, "\x1b[") {
			kept.WriteString(part)
			continue
		}
		_, after, _ := strings.Cut(part, "m")
		kept.WriteString(after)
	}
	return kept.String()
}

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
			report.Steps[3].Items[0].Device.Name = hostile
			text := printed(t, "table", report, view{workflowID: "offboard-1", closed: true})
			assert.NotContains(t, text, hostile)
			assert.Equal(t, 2, strings.Count(text, printable(hostile)))
			assert.Contains(t, printable(hostile), "\uFFFD")
			assert.Equal(t, strings.Count(printed(t, "table", completedReport(), view{workflowID: "offboard-1", closed: true}), "\n"), strings.Count(text, "\n"))
		})
	}
	assert.Equal(t, "Adèle's 电脑 (2)", printable("Adèle's 电脑 (2)"), "what can be printed stays")
}

func TestLinesSayWhatEachStepDoesAndWhatToType(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for _, l := range waitingView().lines() {
		text.WriteString(l.text + "\n")
	}
	golden(t, "waiting.lines", text.String())
}

func TestAStepThatAwaitsApprovalSaysWhereToApproveIt(t *testing.T) {
	t.Parallel()
	report := completedReport()
	report.Steps[2].State, report.Steps[2].Outcome = leaver.StepAwaitingApproval, ""
	report.Steps[3].Items[0].Outcome = ""
	report.Steps[3].Items[0].Approval = &leaver.Approval{Code: "0f0d2f3a-8f5e-4f43-9a39-0f6d1a6c0c11", Status: leaver.ApprovalNeeded}
	v := view{user: "adele@contoso.com", workflowID: "offboard-1", progress: leaver.Progress{Report: report, Waits: []leaver.Wait{
		{Step: leaver.StepRemoveAllDevices, For: leaver.WaitForApproval, Choices: []leaver.Choice{leaver.Approved, leaver.GiveUp}}}}}
	text := v.table(0)
	assert.Contains(t, text, "awaits approval 0f0d2f3a-8f5e-4f43-9a39-0f6d1a6c0c11")
	assert.Contains(t, text, "awaitingApproval")
	assert.Contains(t, text, "Multi Admin Approval")
	assert.Contains(t, text, "starter answer adele@contoso.com removeAllDevices approved")
}

func TestTheNextLookIsAnnounced(t *testing.T) {
	t.Parallel()
	v := waitingView()
	running := v.attempts[leaver.ActivityAwaitDevicesRemoved]
	running.next = time.Now().Add(time.Hour)
	v.attempts[leaver.ActivityAwaitDevicesRemoved] = running
	assert.Contains(t, v.detail(v.progress.Steps[3]), "; next look at "+running.next.Format(time.TimeOnly))
}

func TestALineIsShownOnceForEachThing(t *testing.T) {
	t.Parallel()
	about := map[string]int{}
	for _, l := range waitingView().lines() {
		about[l.about]++
	}
	for name, n := range about {
		assert.Equal(t, 1, n, name)
	}
	v := view{problem: "no worker answers"}
	assert.Equal(t, []line{{"problem", "no worker answers"}}, v.lines())
}
