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
	*step
	o *offboarding
	// calls are the writes at work.
	calls []call
	// look is the look at work, and waits says that it lasts until something differs.
	// It is outdated once a call has ended since it began, of which it does not know.
	look            workflow.Future
	stopLook        workflow.CancelFunc
	waits, outdated bool
	// wake is the timer for the nearest moment at which a device stands otherwise.
	wake     workflow.Future
	wakeAt   time.Time
	stopWake workflow.CancelFunc
	// news says that the core was told something about which Next was not asked yet;
	// stopped that nothing more is to begin.
	news, stopped bool
}

type call struct {
	devices.Write
	at       time.Time
	activity workflow.Future
	cancel   workflow.CancelFunc
}

const (
	// manyLooks is how many looks may tell news at the plan's pace; after these, one
	// waits for pace at least, so that a month of changes fills no history.
	manyLooks = 20
	pace      = 5 * time.Minute
	// approvalPace is how long a second administrator's decision may go unheard of.
	approvalPace = 15 * time.Minute
)

func newFleet(o *offboarding, s *step) *fleet {
	if s.Fleet == nil {
		s.Fleet = &devices.Fleet{Policy: s.Devices.Policy, Deadline: s.Devices.Deadline, NoPerson: s.OnFailure != leaver.Ask}
		s.Items = nil // the plan's; the core knows better from now on
	}
	return &fleet{step: s, o: o, news: true}
}

func (r *fleet) ready() bool {
	return r.news && !r.o.renewing || r.look != nil && r.look.IsReady() || r.wake != nil && r.wake.IsReady() ||
		slices.ContainsFunc(r.calls, func(c call) bool { return c.activity.IsReady() })
}

func (r *fleet) writesSince() time.Time {
	if len(r.calls) == 0 {
		return time.Time{}
	}
	return r.calls[0].at
}

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
	if r.stopped || ctx.Err() != nil {
		return
	}
	if r.Blind && r.look == nil && r.Decided != leaver.RetryStep {
		if len(r.calls) == 0 { // what came of them is to be in the report
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
	r.Fleet.Begin(todo.Writes, now)
	for _, w := range todo.Writes {
		r.write(ctx, w)
	}
	switch {
	case todo.Look && (r.look == nil || r.waits):
		r.see(ctx, false)
	case todo.Watch && (r.look == nil || r.waits && r.outdated):
		r.see(ctx, true)
	}
	r.sleep(ctx, todo.Wake)
	if todo.Ended && len(r.calls) == 0 {
		r.conclude(ctx, todo.Failed)
		return
	}
	r.attend(ctx)
}

// take tells the core what has come.
func (r *fleet) take(ctx workflow.Context) {
	now := workflow.Now(ctx)
	r.calls = slices.DeleteFunc(r.calls, func(c call) bool {
		if !c.activity.IsReady() {
			return false
		}
		var outcome devices.Outcome
		if err := c.activity.Get(ctx, &outcome); err != nil {
			outcome = lost(err)
		}
		c.cancel()
		r.Fleet.Heard(c.Write, outcome, now)
		r.news, r.outdated = true, true
		return true
	})
	if r.wake != nil && r.wake.IsReady() {
		r.wake, r.wakeAt, r.news = nil, time.Time{}, true
		r.stopWake()
	}
	if r.look == nil || !r.look.IsReady() {
		return
	}
	var sight devices.Sight
	err := r.look.Get(ctx, &sight)
	r.stopLook()
	r.look = nil
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
func lost(err error) devices.Outcome {
	outcome := devices.Outcome{Answer: devices.Unknown, Failure: leaver.GraphUnavailable, Why: "Intune has not done it for a day: see there what is wrong with the device, then choose"}
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		outcome.Failure = leaver.FailureType(failure.Type())
		outcome.Why += " (" + failure.Message() + ")"
	}
	if temporal.IsCanceledError(err) {
		outcome = devices.Outcome{Answer: devices.Unknown, Why: "the call was stopped before its answer came"}
	}
	return outcome
}

// write begins a call.
func (r *fleet) write(ctx workflow.Context, w devices.Write) {
	activity := map[leaver.DeviceAction]string{
		leaver.RemoveAll: r.Activity, leaver.Retire: leaver.ActivityRetireDevice, leaver.Wipe: leaver.ActivityWipeDevice,
		leaver.WipeKeepUserData: leaver.ActivityWipeDevice, leaver.DeleteRecord: leaver.ActivityDeleteDeviceRecord,
	}[w.Action]
	request := devices.WriteRequest{UserID: r.o.Report.Leaver.ID, Reason: r.Reason, Write: w}
	for _, id := range w.IDs {
		request.Judged = append(request.Judged, r.Fleet.Judged(id))
	}
	if approval := r.Fleet.Approval(w.Code); approval != nil {
		request.Told = approval.Told
	}
	ctx, cancel := workflow.WithCancel(workflow.WithActivityOptions(ctx, writeOptions(r.Step, r.Fleet.Summary(w))))
	r.calls = append(r.calls, call{w, workflow.Now(ctx), workflow.ExecuteActivity(ctx, activity, request), cancel})
}

// see begins a look; one that waits until something differs is cancelled for one at
// once.
func (r *fleet) see(ctx workflow.Context, waits bool) {
	if r.look != nil {
		r.stopLook()
	}
	request := devices.LookRequest{UserID: r.o.Report.Leaver.ID, Approvals: r.Fleet.Awaits(), Keys: r.Fleet.Policy.RequireRecoveryKey,
		ApprovalsUnread: r.Fleet.ApprovalsUnread}
	request.Known = slices.DeleteFunc(r.Fleet.Known(), func(k devices.Known) bool { return k.Gone })
	options := readOptions("Look at the devices")
	if waits {
		request.Wait = true
		request.First, request.Longest = r.rhythm(len(request.Approvals) > 0)
		options = watchOptions("Wait until something differs: "+countDevices(len(request.Known)), time.Duration(request.First), time.Duration(request.Longest))
	}
	ctx, r.stopLook = workflow.WithCancel(workflow.WithActivityOptions(ctx, options))
	r.outdated = false
	r.look, r.waits = workflow.ExecuteActivity(ctx, leaver.ActivityLookAtDevices, request), waits
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
	if until.Equal(r.wakeAt) || r.wake != nil && len(r.calls) > 0 && r.wakeAt.Before(until) {
		return // while calls are made, each would move the timer
	}
	if r.wake != nil {
		r.stopWake()
		r.wake = nil
	}
	r.wakeAt = until
	if !until.IsZero() {
		ctx, r.stopWake = workflow.WithCancel(ctx)
		r.wake = workflow.NewTimerWithOptions(ctx, max(until.Sub(workflow.Now(ctx)), time.Millisecond), workflow.TimerOptions{Summary: "The next deadline of a device"})
	}
}

// attend shows what the step waits for.
func (r *fleet) attend(ctx workflow.Context) {
	now := workflow.Now(ctx)
	count, state := r.Fleet.Count(now), leaver.StepRunning
	switch {
	case count.Questions > 0 && r.OnFailure == leaver.Ask:
		state = leaver.StepWaiting
	case count.AwaitApproval > 0:
		state = leaver.StepAwaitingApproval
	}
	r.enter(state, now)
	r.Detail = r.detail(count)
	r.Failure = r.question(now, count)
}

// conclude ends the step: every device is gone or decided about, or nobody is asked
// about those that are not.
func (r *fleet) conclude(ctx workflow.Context, failed bool) {
	now := workflow.Now(ctx)
	count := r.Fleet.Count(now)
	result := leaver.StepResult{Outcome: leaver.AlreadyDone, Detail: r.detail(count)}
	r.Failure = r.question(now, count)
	switch {
	case failed:
		if r.Failure != nil {
			r.Detail = r.Failure.Message
		}
		r.o.giveUp(ctx, r.step)
		return
	case count.Asked > 0:
		result.Outcome = leaver.Done
	}
	r.o.finish(ctx, r.step, result)
}

// detail says how many devices stand in which way.
func (r *fleet) detail(c devices.Count) string {
	if len(r.Fleet.Devices) == 0 && !r.Fleet.LookedAt.IsZero() {
		return "no managed devices"
	}
	var parts []string
	for _, part := range []struct {
		n         int
		one, many string
	}{
		{c.Leaving, "is on its way", "are on their way"},
		{c.AwaitApproval, "awaits a second administrator's approval", "await a second administrator's approval"},
		{c.Questions, "for a person to decide about", "for a person to decide about"},
		{c.Gone, "gone", "gone"},
		{c.Kept + c.GivenUp, "left as decided", "left as decided"},
	} {
		switch {
		case part.n == 1:
			parts = append(parts, "1 device "+part.one)
		case part.n > 1:
			parts = append(parts, fmt.Sprintf("%d devices %s", part.n, part.many))
		}
	}
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
	items := slices.DeleteFunc(r.Fleet.Items(now), func(i leaver.Item) bool { return i.Outcome != leaver.Failed })
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
		Message: fmt.Sprintf("%s for a person to decide about: %s; answer for each, giveUp leaves it as it is", countDevices(c.Questions), why)}
}

func (r *fleet) stop() {
	r.news, r.stopped = true, true
	for _, c := range r.calls {
		c.cancel()
	}
	if r.look != nil {
		r.stopLook()
	}
	if r.wake != nil {
		r.stopWake()
	}
}

func (r *fleet) retry(items []string) {
	r.Fleet.Choose(leaver.Retry, items, r.o.now)
	r.Decided, r.news = leaver.RetryStep, true
	if r.Blind {
		r.Fleet.LookedAt = time.Time{} // as if nobody had looked yet
	}
}

// answer carries out what a person decided. A call that Intune does not answer is given
// up for it.
func (r *fleet) answer(choice leaver.Choice, items []string) {
	r.Fleet.Choose(choice, items, r.o.now)
	r.news = true
	for _, c := range r.calls {
		if slices.Contains(items, c.IDs[0]) {
			c.cancel()
		}
	}
}

func countDevices(n int) string {
	if n == 1 {
		return "1 device"
	}
	return fmt.Sprintf("%d devices", n)
}
