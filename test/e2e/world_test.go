// Package e2e runs offboardings as users do: a real Temporal server, the real
// worker, tctl, temporal and starter as processes, and Microsoft's cloud
// simulated in this one.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/dev/stack"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
)

// programs are built once for all tests.
var programs struct{ root, temporal, tctl, worker, starter, dev string }

func TestMain(m *testing.M) {
	if err := build(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func build(ctx context.Context) (err error) {
	if programs.root, err = stack.Root(ctx); err != nil {
		return err
	}
	for _, tool := range []struct {
		name string
		path *string
	}{{"temporal", &programs.temporal}, {"tctl", &programs.tctl}} {
		if *tool.path, err = stack.Tool(ctx, programs.root, tool.name, os.Stderr); err != nil {
			return err
		}
	}
	for _, pkg := range []struct {
		name string
		path *string
	}{{"./worker", &programs.worker}, {"./starter", &programs.starter}, {"./dev", &programs.dev}} {
		if *pkg.path, err = stack.Build(ctx, programs.root, pkg.name); err != nil {
			return err
		}
	}
	return nil
}

// patience is how long a test waits for what must happen. It is longer than
// Temporal takes to notice that a worker is dead.
const patience = 3 * time.Minute

// world is one Temporal server, one tenant and one worker.
type world struct {
	t        testing.TB
	dir      string
	tenant   *graphsim.Tenant
	before   map[string]graphsim.User
	graphURL string
	server   *stack.Server
	options  stack.ServerOptions
	worker   *stack.Process
	env      []string
	temporal client.Client
}

// settings changes a world.
type settings struct {
	// Database keeps the server's workflows in a file.
	Database bool
	// CheckIn is when the last of Adele's devices checks in; the default is soon.
	CheckIn time.Duration
	// Env is added to the worker's environment.
	Env []string
	// Server is added to the server's arguments.
	Server []string
	// Unrecorded says that the exchanges are too many, and too alike, to be recorded.
	Unrecorded bool
	// Hostile stands between the worker and the tenant, where the tenant is too well-behaved.
	Hostile func(tenant http.Handler) http.Handler
	// Clock is the tenant's; the default is the machine's.
	Clock func() time.Time
	// NoWorker leaves the worker to the test.
	NoWorker bool
}

func newWorld(t testing.TB, s settings) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), env: s.Env}
	if s.Unrecorded {
		w.tenant = graphsim.NewTenant(nil)
	} else {
		w.tenant = graphsim.NewTenant(recording(t))
	}
	if s.Clock != nil {
		w.tenant.Clock(s.Clock)
	}
	if s.CheckIn == 0 {
		s.CheckIn = time.Second
	}
	w.tenant.Add(graphsim.Contoso(s.CheckIn)...)
	handler := w.tenant.Handler()
	if s.Hostile != nil {
		handler = s.Hostile(handler)
	}
	tenant := httptest.NewServer(handler)
	t.Cleanup(tenant.Close)
	w.graphURL = tenant.URL + graphsim.GraphPath

	address, err := stack.Address(0)
	require.NoError(t, err)
	w.options = stack.ServerOptions{Program: programs.temporal, Log: filepath.Join(w.dir, "temporal.log"), Address: address, Args: s.Server}
	if s.Database {
		w.options.Database = filepath.Join(w.dir, "temporal.db")
	}
	w.startServer()
	t.Cleanup(func() { _ = w.server.Stop() })
	if !s.NoWorker {
		w.startWorker()
	}
	t.Cleanup(func() {
		if w.worker != nil {
			_ = w.worker.Stop()
		}
		if t.Failed() {
			w.dump()
		}
	})
	w.before = w.tenant.Users()
	return w
}

// recording is a file for the exchanges of one test, where the environment
// names a folder for them.
func recording(t testing.TB) *os.File {
	folder := os.Getenv("LEAVER_TEST_RECORDINGS")
	if folder == "" {
		folder = t.TempDir()
	}
	file, err := os.Create(filepath.Join(folder, fileName(t.Name())+".jsonl"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	return file
}

func fileName(test string) string { return strings.NewReplacer("/", "-", " ", "-").Replace(test) }

func (w *world) startServer() {
	w.t.Helper()
	var err error
	w.server, err = stack.StartServer(w.t.Context(), w.options)
	require.NoError(w.t, err)
	w.options.Address = w.server.Address
	if w.temporal == nil {
		w.temporal, err = w.server.Dial(w.t.Context())
		require.NoError(w.t, err)
		w.t.Cleanup(w.temporal.Close)
	}
}

func (w *world) startWorker() {
	w.t.Helper()
	var err error
	w.worker, err = w.server.StartWorker(w.t.Context(), stack.WorkerOptions{
		Program: programs.worker, Log: filepath.Join(w.dir, "worker.log"),
		GraphURL: w.graphURL, Token: w.tenant.Token(graphsim.Application),
		// Tests start many offboardings, of leavers with many devices.
		Env: append([]string{"LEAVER_MAX_STARTS=-1", "LEAVER_MAX_DEVICES=1000"}, w.env...),
	})
	require.NoError(w.t, err)
}

func (w *world) dump() {
	for _, name := range []string{"worker.log", "temporal.log"} {
		if content, err := os.ReadFile(filepath.Join(w.dir, name)); err == nil {
			w.t.Logf("%s:\n%s", name, content)
		}
	}
	for _, r := range w.tenant.Requests() {
		w.t.Logf("%s %s %s -> %d fault=%v early=%v", r.At.Format(time.StampMilli), r.Method, r.Path, r.Status, r.Fault, r.Early)
	}
}

// run runs a command-line tool and returns what it printed on standard output.
func (w *world) run(program string, args ...string) (string, error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "TEMPORAL_ADDRESS="+w.server.Address, "TEMPORAL_CLI_ADDRESS="+w.server.Address)
	cmd.Dir = w.dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	w.t.Logf("%s %s\n%s%s", filepath.Base(program), strings.Join(args, " "), stdout.String(), stderr.String())
	return stdout.String() + stderr.String(), err
}

func (w *world) must(program string, args ...string) string {
	w.t.Helper()
	out, err := w.run(program, args...)
	require.NoError(w.t, err)
	return out
}

// start starts an offboarding of Adele with the client.
func (w *world) start(id string) {
	w.t.Helper()
	w.startWith(id, leaver.Request{UserID: graphsim.Leaver})
}

func (w *world) startWith(id string, request leaver.Request) {
	w.t.Helper()
	_, err := w.temporal.ExecuteWorkflow(w.t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: leaver.TaskQueue}, leaver.WorkflowType, request)
	require.NoError(w.t, err)
}

// report waits for the end and returns the report, and how the workflow failed.
func (w *world) report(id string) (leaver.Report, error) {
	w.t.Helper()
	return w.reportWithin(id, patience)
}

func (w *world) reportWithin(id string, limit time.Duration) (leaver.Report, error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), limit)
	defer cancel()
	var report leaver.Report
	err := w.temporal.GetWorkflow(ctx, id, "").Get(ctx, &report)
	w.keepHistory(id, "", id)
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok && failure.HasDetails() {
		require.NoError(w.t, failure.Details(&report))
	}
	if canceled, ok := errors.AsType[*temporal.CanceledError](err); ok && canceled.HasDetails() {
		require.NoError(w.t, canceled.Details(&report))
	}
	return report, err
}

// keepHistory stores the history of a run, or of the last one, where the environment
// names a folder for them: that is how those in workflows/testdata are made, see
// test/histories.
func (w *world) keepHistory(id, runID, name string) {
	w.t.Helper()
	folder := os.Getenv("LEAVER_TEST_HISTORIES")
	if folder == "" {
		return
	}
	cmd := exec.CommandContext(w.t.Context(), programs.temporal, "workflow", "show", "--address", w.server.Address, "--workflow-id", id, "--run-id", runID, "--output", "json")
	history, err := cmd.Output()
	require.NoError(w.t, err)
	host, err := os.Hostname()
	require.NoError(w.t, err)
	history = bytes.ReplaceAll(history, []byte("@"+host), []byte("@host"))
	require.NoError(w.t, os.WriteFile(filepath.Join(folder, fileName(w.t.Name())+"-"+name+".json"), history, 0o600))
}

func (w *world) progress(id string) leaver.Progress {
	w.t.Helper()
	answer, err := w.temporal.QueryWorkflow(w.t.Context(), id, "", leaver.QueryProgress)
	for tries := 1; err != nil && tries < 4 && w.t.Context().Err() == nil; tries++ {
		// A server that is busy with seven other tests may lose a query.
		answer, err = w.temporal.QueryWorkflow(w.t.Context(), id, "", leaver.QueryProgress)
	}
	require.NoError(w.t, err)
	var p leaver.Progress
	require.NoError(w.t, answer.Get(&p))
	return p
}

// until waits for a condition.
func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	require.Eventually(w.t, holds, patience, 20*time.Millisecond, what)
}

// waiting waits until a step waits for a person.
func (w *world) waiting(id, step string) {
	w.t.Helper()
	w.until(step+" waits for a person", func() bool {
		for _, wait := range w.progress(id).Waits {
			if wait.Step == step && wait.For == leaver.WaitForPerson {
				return true
			}
		}
		return false
	})
}

// arrived waits until the tenant has been asked something.
func (w *world) arrived(method, path string) {
	w.t.Helper()
	w.until(method+" "+path+" arrives", func() bool { return w.requests(method, path) > 0 })
}

func (w *world) requests(method, path string) int {
	n := 0
	for _, r := range w.tenant.Requests() {
		if r.Method == method && strings.HasSuffix(r.Path, path) {
			n++
		}
	}
	return n
}

// finished asserts that an offboarding of Adele was done, that the tenant says
// so too, and that nobody else was touched.
func (w *world) finished(id string) leaver.Report {
	w.t.Helper()
	report := w.completed(id)
	adele := w.tenant.Users()[graphsim.Leaver]
	before := w.before[graphsim.Leaver]
	assert.Equal(w.t, adele.ID, report.Leaver.ID)
	assert.False(w.t, adele.AccountEnabled, "the account is disabled")
	assert.True(w.t, adele.SessionsValidFrom.After(before.SessionsValidFrom), "the sessions are revoked")
	assert.Empty(w.t, adele.Devices, "the devices are gone")
	w.reported(report, before.Devices)
	return report
}

// completed asserts that an offboarding of Adele has done each step, and that nobody else
// was touched.
func (w *world) completed(id string) leaver.Report {
	w.t.Helper()
	report, err := w.report(id)
	require.NoError(w.t, err)
	assert.Equal(w.t, leaver.Completed, report.Status)
	for _, step := range report.Steps {
		assert.Equal(w.t, leaver.Done, step.Outcome, step.Name)
	}
	w.nobodyElse()
	return report
}

// reported asserts that every device of before is in the report as gone.
func (w *world) reported(report leaver.Report, before []graphsim.Device) {
	w.t.Helper()
	gone := map[string]bool{}
	for _, item := range step(report, leaver.StepRemoveAllDevices).Items {
		assert.Equal(w.t, leaver.Done, item.Outcome)
		gone[item.ID] = true
	}
	assert.Len(w.t, gone, len(before))
	for _, device := range before {
		assert.True(w.t, gone[device.ID], "device %s is in the report", device.ID)
	}
}

// nobodyElse asserts that only Adele was ever written to.
func (w *world) nobodyElse() {
	w.t.Helper()
	after := w.tenant.Users()
	for name, before := range w.before {
		if name != graphsim.Leaver {
			assert.Equal(w.t, before, after[name], name)
		}
	}
	for _, r := range w.tenant.Requests() {
		if r.Writes() {
			assert.Equal(w.t, w.before[graphsim.Leaver].ID, r.UserID, "%s %s", r.Method, r.Path)
		}
	}
}

func (w *world) status(id string) enumspb.WorkflowExecutionStatus {
	w.t.Helper()
	described, err := w.temporal.DescribeWorkflow(w.t.Context(), id, "")
	require.NoError(w.t, err)
	return described.RawResponse.GetWorkflowExecutionInfo().GetStatus()
}

// run is one run of an offboarding that may have continued as new.
type run struct {
	ID     string
	Events int64
	Bytes  int64
}

// runs lists the runs of an offboarding, the first one first.
func (w *world) runs(id string) []run {
	w.t.Helper()
	var all []run
	for runID := ""; len(all) == 0 || runID != ""; {
		described, err := w.temporal.DescribeWorkflow(w.t.Context(), id, runID)
		require.NoError(w.t, err)
		execution := described.RawResponse.GetWorkflowExecutionInfo()
		runID = execution.GetExecution().GetRunId()
		all = append(all, run{runID, execution.GetHistoryLength(), execution.GetHistorySizeBytes()})
		first, err := w.temporal.GetWorkflowHistory(w.t.Context(), id, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT).Next()
		require.NoError(w.t, err)
		runID = first.GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId()
	}
	slices.Reverse(all)
	return all
}

func outcomes(report leaver.Report) map[string]leaver.Outcome {
	all := map[string]leaver.Outcome{}
	for _, step := range report.Steps {
		all[step.Name] = step.Outcome
	}
	return all
}

func step(report leaver.Report, name string) leaver.StepRecord {
	for _, s := range report.Steps {
		if s.Name == name {
			return s
		}
	}
	return leaver.StepRecord{}
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var value T
	require.NoError(t, json.Unmarshal([]byte(text), &value), text)
	return value
}
