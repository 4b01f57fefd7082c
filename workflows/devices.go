package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// fleet runs a step of shape Devices. It makes what the device core says, and tells the
// core what came of it; it decides nothing about a device.
type fleet struct {
	work
	// waits says that the look at work lasts until something differs. It is outdated once
	// a call has ended since it began, of which it does not know.
	waits, outdated bool
}

const (
	// manyLooks is how many looks may tell news at the plan's pace; after these, one
	// waits for pace at least, so that a month of changes fills no history.
	manyLooks = 20
	pace      = 5 * time.Minute
	// approvalPace is how long a second administrator's decision may go unheard of.
	approvalPace = 15 * time.Minute
)

func (r *fleet) advance(ctx workflow.Context) {
	known := len(r.Fleet.Devices)
	r.take(ctx)
	if len(r.Fleet.Devices) > known {
		r.o.runAgain(r.step)
	}
	if r.o.renewing {
		return
	}
	r.news = false
	if r.Decided == leaver.SkipStep || ctx.Err() != nil {
		return
	}
	if r.Blind && r.read == nil && r.Decided != leaver.RetryStep { // an earlier release kept both
		if len(r.writes) == 0 { // what came of them is to be in the report
			r.o.wait(ctx, r.step)
		}
		return
	}
	r.Decided = ""
	now := workflow.Now(ctx)
	// What was decided is recorded: a release with other rules replays it.
	var todo devices.Todo
	next := r.o.next
	recorded := workflow.SideEffect(ctx, func(workflow.Context) any { return next(r.Fleet, now) })
	if err := recorded.Get(&todo); err != nil {
		r.fail("removeAllDevices", err)
		r.o.wait(ctx, r.step)
		return
	}
	if len(todo.Writes) > 0 && r.o.held() {
		todo.Writes, todo.Watch = nil, true
		if !todo.Due.IsZero() { // it is in histories that were recorded before
			todo.Wake = todo.Due // or a timer would fire each minute, for as long as nobody decides
		}
	}
	r.Fleet.Begin(todo.Writes, now)
	for _, w := range todo.Writes {
		r.write(ctx, w)
	}
	switch {
	case todo.Look && (r.read == nil || r.waits):
		r.see(ctx, false)
	case todo.Watch && (r.read == nil || r.waits && r.outdated):
		r.see(ctx, true)
	}
	r.sleep(ctx, todo.Wake)
	r.attend(now)
	switch {
	case !todo.Ended || len(r.writes) > 0:
	case todo.Failed: // nobody is asked about those that are left
		if r.Failure != nil {
			r.Detail = r.Failure.Message
		}
		r.o.wait(ctx, r.step)
	case r.Fleet.Count(now).Asked > 0:
		r.o.finish(ctx, r.step, leaver.StepResult{Outcome: leaver.Done, Detail: r.Detail})
	default:
		r.o.finish(ctx, r.step, leaver.StepResult{Outcome: leaver.AlreadyDone, Detail: r.Detail})
	}
}

// take tells the core what has come.
func (r *fleet) take(ctx workflow.Context) {
	now := workflow.Now(ctx)
	for _, c := range r.ended() {
		var outcome devices.Outcome
		if err := c.take(ctx, &outcome); err != nil {
			outcome = lost(c.Write, err)
		}
		r.Fleet.Heard(c.Write, outcome, now)
		if outcome.AccountEnabled {
			r.o.hold(ctx, r.step)
		}
		r.news, r.outdated = true, true
	}
	if r.timer.ended() {
		r.timer.cancel()
		r.timer, r.news = nil, true
	}
	if !r.read.ended() {
		return
	}
	var sight devices.Sight
	err := r.read.take(ctx, &sight)
	r.read = nil
	switch {
	case err == nil:
		sight.Outdated = r.outdated
		r.Fleet.Saw(sight, now)
		r.news, r.Blind = true, false
	case !temporal.IsCanceledError(err):
		r.Blind = true
		r.fail(leaver.ActivityLookAtDevices, err)
	}
}

// lost is the outcome of a write whose answer did not come.
func lost(w devices.Write, err error) devices.Outcome {
	if temporal.IsCanceledError(err) {
		return devices.Outcome{Answer: devices.Unknown, Why: "the call was stopped before its answer came"}
	}
	outcome := devices.Outcome{Answer: devices.Unknown, Failure: leaver.GraphUnavailable, Why: "Intune has not done it for a day: see there what is wrong with the device, then choose"}
	if w.Action == leaver.RemoveAll {
		outcome.Why = "Intune has not done it for half an hour: each device is asked by itself"
	}
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		outcome.Failure = leaver.FailureType(failure.Type())
		outcome.Why += " (" + failure.Message() + ")"
	}
	return outcome
}

func (r *fleet) write(ctx workflow.Context, w devices.Write) {
	activity := map[leaver.DeviceAction]string{
		leaver.RemoveAll: r.Activity, leaver.Retire: leaver.ActivityRetireDevice, leaver.Wipe: leaver.ActivityWipeDevice,
		leaver.WipeKeepUserData: leaver.ActivityWipeDevice, leaver.DeleteRecord: leaver.ActivityDeleteDeviceRecord,
	}[w.Action]
	request := devices.WriteRequest{UserID: r.o.Report.Leaver.ID, UserPrincipalName: r.o.Report.Leaver.UserPrincipalName, Reason: r.Reason, Write: w, Wipe: r.Fleet.Policy.WipeOptions, AccountDisabled: r.o.accountDisabled()}
	for _, id := range w.IDs {
		request.Judged = append(request.Judged, r.Fleet.Judged(id))
	}
	if approval := r.Fleet.Approval(w.Code); approval != nil {
		request.Told = approval.Told
	}
	options := writeOptions(r.Step, r.Fleet.Summary(w))
	if w.Action == leaver.RemoveAll {
		options.ScheduleToCloseTimeout = min(options.ScheduleToCloseTimeout, allPatience)
	}
	r.writes = append(r.writes, begin(ctx, w, options, activity, request))
}

// see begins a look; one that waits until something differs is cancelled for one at
// once.
func (r *fleet) see(ctx workflow.Context, waits bool) {
	r.read.stop()
	known := choose(r.Fleet.Known(), func(k devices.Known) bool { return !k.Gone })
	request := devices.LookRequest{UserID: r.o.Report.Leaver.ID, UserPrincipalName: r.o.Report.Leaver.UserPrincipalName, Known: known, Approvals: r.Fleet.Awaits(),
		Keys: r.Fleet.Policy.RequireRecoveryKey, ApprovalsUnread: r.Fleet.ApprovalsUnread}
	options := readOptions("Look at the devices")
	if waits {
		request.Wait = true
		request.First, request.Longest = r.rhythm(len(request.Approvals) > 0)
		options = watchOptions("Wait until something differs: "+countOf(len(known), "device"), time.Duration(request.First), time.Duration(request.Longest))
	}
	r.read = begin(ctx, devices.Write{}, options, leaver.ActivityLookAtDevices, request)
	r.waits, r.outdated = waits, false
}

// rhythm is how long until the next look, and the longest that is doubled to.
func (r *fleet) rhythm(approvals bool) (first, longest leaver.Duration) {
	first, longest = r.Devices.FirstLook, r.Devices.LongestLook
	if approvals {
		longest = min(longest, leaver.Duration(approvalPace))
	}
	if r.Fleet.Looks > manyLooks {
		first = max(first, min(leaver.Duration(pace), longest))
	}
	return min(first, longest), longest
}

// sleep has a timer fire at a moment; the zero time means none.
func (r *fleet) sleep(ctx workflow.Context, until time.Time) {
	if t := r.timer; t == nil && until.IsZero() || t != nil && (until.Equal(t.at) || len(r.writes) > 0 && t.at.Before(until)) {
		return // while calls are made, each would move the timer
	}
	r.timer.stop()
	r.timer = nil
	if !until.IsZero() {
		ctx, cancel := workflow.WithCancel(ctx)
		wake := workflow.NewTimerWithOptions(ctx, max(until.Sub(workflow.Now(ctx)), time.Millisecond), workflow.TimerOptions{Summary: "The next deadline of a device"})
		r.timer = &call{at: until, future: wake, cancel: cancel}
	}
}

// attend shows how the devices stand, and what the step waits for.
func (r *fleet) attend(now time.Time) {
	count, state := r.Fleet.Count(now), leaver.StepRunning
	switch {
	case count.Questions > 0 && r.OnFailure == leaver.Ask:
		state = leaver.StepWaiting
	case count.AwaitApproval > 0:
		state = leaver.StepAwaitingApproval
	}
	r.enter(state, now)
	r.Detail, r.Failure = r.detail(count), r.question(now, count)
}

// detail says how many devices stand in which way.
func (r *fleet) detail(c devices.Count) string {
	if len(r.Fleet.Devices) == 0 && !r.Fleet.LookedAt.IsZero() {
		return "no managed devices"
	}
	var parts []string
	add := func(n int, one, many string) {
		if n == 1 {
			many = one
		}
		if n > 0 {
			parts = append(parts, countOf(n, "device")+" "+many)
		}
	}
	add(c.Leaving, "is on its way", "are on their way")
	add(c.AwaitApproval, "awaits a second administrator's approval", "await a second administrator's approval")
	add(c.Questions, "for a person to decide about", "for a person to decide about")
	add(c.Gone, "gone", "gone")
	add(c.Kept+c.GivenUp, "left as decided", "left as decided")
	if !c.SpentUntil.IsZero() {
		parts = append(parts, devices.SpentToday)
	}
	if r.Fleet.RefusesAll != "" {
		parts = append(parts, refusesAll)
	}
	if r.Fleet.ApprovalsUnread != "" {
		parts = append(parts, r.Fleet.ApprovalsUnread)
	}
	return strings.Join(parts, "; ")
}

const refusesAll = "the tenant refuses removeAllDevicesFromManagement, so each device is asked by a call of its own"

// question says what a person is asked about the devices, or is nil.
func (r *fleet) question(now time.Time, c devices.Count) *leaver.StepFailure {
	if c.Questions == 0 {
		return nil
	}
	items := choose(r.Fleet.Items(now), func(i leaver.Item) bool { return i.Outcome == leaver.Failed })
	why, kind := "each says why", items[0].Failure
	// Graph's answers differ by the id of the request alone.
	reason := func(i leaver.Item) string {
		text, _, _ := strings.Cut(i.Detail, " (request-id ")
		return text
	}
	if !slices.ContainsFunc(items, func(i leaver.Item) bool { return reason(i) != reason(items[0]) }) {
		why = items[0].Detail
	}
	if slices.ContainsFunc(items, func(i leaver.Item) bool { return i.Failure != kind }) {
		kind = ""
	}
	if kind == leaver.GraphForbidden && r.Fleet.RefusesAll != "" {
		why += "; " + refusesAll + ": " + r.Fleet.RefusesAll
	}
	return &leaver.StepFailure{Type: cmp.Or(kind, leaver.DevicesRemain),
		Message: fmt.Sprintf("%s for a person to decide about: %s; answer for each, giveUp leaves it as it is", countOf(c.Questions, "device"), why)}
}

func (r *fleet) retry(items []string) {
	r.answer(leaver.Retry, items)
	r.Decided = leaver.RetryStep
	if r.Blind {
		r.Blind, r.Fleet.LookedAt = false, time.Time{} // as if nobody had looked yet
	}
}

// answer carries out what a person decided. A call that Intune does not answer is given
// up for it.
func (r *fleet) answer(choice leaver.Choice, items []string) {
	r.Fleet.Choose(choice, items, r.o.now)
	r.news = true
	for _, c := range r.writes {
		if slices.Contains(items, c.IDs[0]) {
			c.cancel()
		}
	}
}

// countOf says how many there are: "1 device", "2 devices".
func countOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
