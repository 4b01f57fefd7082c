package workflows

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// audience is who is told about the offboarding, and what was told: each moment is told once, over all runs.
type audience struct {
	// Notify and ManagerID are the plan's.
	Notify    leaver.Notify `json:"notify,omitzero"`
	ManagerID string        `json:"managerId,omitempty"`
	Begun     bool          `json:"begun,omitzero"`
	// Waits counts how often it was told that a person is waited for, and Waiting says that the present wait was told.
	Waits   int  `json:"waits,omitzero"`
	Waiting bool `json:"waiting,omitzero"`
}

func (a audience) isEmpty() bool { return len(a.Notify.Webhook) == 0 && len(a.Notify.Mail) == 0 }

// telling is a webhook, or a mail, at work.
type telling struct {
	*call
	notice leaver.Notice
}

const (
	// tellPatience is how long a webhook, or a mailbox, may be out of order, and so how long the end of an offboarding
	// waits for it.
	tellPatience = time.Hour
	// mostNotices is how many notices the report holds.
	mostNotices = 20
)

// tell tells what has come: that the first step has begun, and that a person is waited for.
func (o *offboarding) tell(ctx workflow.Context) {
	if o.Told.isEmpty() {
		return
	}
	if !o.Told.Begun && slices.ContainsFunc(o.Steps, func(s *step) bool { return !s.StartedAt.IsZero() }) {
		o.Told.Begun = true
		o.notify(ctx, leaver.MomentBegun, 1)
	}
	waits := o.Report.Status == leaver.Waiting
	if waits && !o.Told.Waiting {
		o.Told.Waits++
		o.notify(ctx, leaver.MomentWaits, o.Told.Waits)
	}
	o.Told.Waiting = waits
}

// tellEnd tells how the offboarding has ended, and waits until all is told, or given up. The report is then complete.
func (o *offboarding) tellEnd(ctx workflow.Context) {
	if o.Told.isEmpty() {
		return
	}
	o.show(ctx)
	o.notify(ctx, leaver.MomentEnded, 1)
	for len(o.telling) > 0 {
		_ = workflow.Await(ctx, func() bool { return o.answered() || o.signalled() })
		o.takeAnswered(ctx)
		o.takeSignals(ctx)
	}
}

// notify tells those who are to be told of a moment. Nothing waits for it but the end, and a cancelled offboarding tells
// too.
func (o *offboarding) notify(ctx workflow.Context, moment leaver.Moment, number int) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	event := o.event(ctx, moment, number)
	request := leaver.NotifyRequest{ID: fmt.Sprintf("%s-%s-%d", event.RunID, moment, number), At: workflow.Now(ctx), Event: event}
	notice := leaver.Notice{ID: request.ID, Moment: moment, At: request.At, By: leaver.NoticeByWebhook}
	if slices.Contains(o.Told.Notify.Webhook, moment) {
		o.deliver(ctx, leaver.ActivityNotifyByWebhook, request, notice)
	}
	for _, mail := range o.Told.Notify.Mail {
		if !slices.Contains(mail.At, moment) {
			continue
		}
		notice.By, notice.To, request.To, request.ManagerID = leaver.NoticeByMail, mail.To, mail.To, ""
		if mail.To == leaver.Manager {
			request.ManagerID = o.Told.ManagerID
		}
		o.deliver(ctx, leaver.ActivityNotifyByMail, request, notice)
	}
}

func (o *offboarding) deliver(ctx workflow.Context, activity string, request leaver.NotifyRequest, notice leaver.Notice) {
	options := readOptions("Tell by " + notice.By + ": " + string(notice.Moment))
	options.ScheduleToCloseTimeout = tellPatience
	if notice.By == leaver.NoticeByMail { // the worker may have died after it had sent the mail
		options.RetryPolicy.NonRetryableErrorTypes = []string{"TemporalTimeout:StartToClose"}
	}
	o.telling = append(o.telling, &telling{begin(ctx, devices.Write{}, options, activity, request), notice})
}

// event is what is told of the offboarding as it stands.
func (o *offboarding) event(ctx workflow.Context, moment leaver.Moment, number int) leaver.Event {
	info := workflow.GetInfo(ctx)
	event := leaver.Event{WorkflowID: info.WorkflowExecution.ID, RunID: info.FirstRunID, UserID: o.Report.Leaver.ID, Moment: moment, Number: number,
		Status: o.Report.Status, Steps: leaver.StepCounts{Planned: len(o.Steps)}}
	var waits []leaver.Wait
	if o.held() {
		waits = append(waits, o.heldFor())
	}
	for _, s := range o.Steps {
		if s.State != leaver.StepEnded {
			waits = append(waits, s.waits(o.now)...)
			continue
		}
		event.Steps.Ended++
		switch s.Outcome {
		case leaver.Done, leaver.AlreadyDone:
			event.Steps.Done++
		case leaver.Skipped:
			event.Steps.Skipped++
		default:
			event.Steps.Failed++
		}
	}
	for _, wait := range waits {
		if wait.For == leaver.WaitForPerson || wait.For == leaver.WaitForApproval {
			event.Waits = append(event.Waits, leaver.EventWait{Step: wait.Step, For: wait.For, Actions: wait.Actions})
		}
	}
	return event
}

// answered reports whether it is known of a notice what became of it.
func (o *offboarding) answered() bool {
	return slices.ContainsFunc(o.telling, func(t *telling) bool { return t.ended() })
}

// takeAnswered notes in the report what became of notices.
func (o *offboarding) takeAnswered(ctx workflow.Context) {
	for _, t := range o.telling {
		if t.ended() {
			o.Report.Notices = append(o.Report.Notices, delivered(t.notice, t.take(ctx, nil)))
		}
	}
	o.telling = slices.DeleteFunc(o.telling, func(t *telling) bool { return t.ended() })
	o.Report.Notices = o.Report.Notices[max(0, len(o.Report.Notices)-mostNotices):]
}

// delivered is a notice with what became of it.
func delivered(notice leaver.Notice, err error) leaver.Notice {
	if err == nil {
		notice.Outcome = leaver.Done
		return notice
	}
	notice.Outcome, notice.Failure, notice.Detail = leaver.Failed, leaver.NotDelivered, "it was not delivered within "+tellPatience.String()
	timeout, timedOut := errors.AsType[*temporal.TimeoutError](err)
	failure, failed := errors.AsType[*temporal.ApplicationError](err)
	switch {
	case timedOut && timeout.TimeoutType() == enumspb.TIMEOUT_TYPE_START_TO_CLOSE && notice.By == leaver.NoticeByMail:
		notice.Detail = "the call that sends the mail got no answer in time, and is not made again: the mail may have been sent"
	case failed:
		notice.Failure, notice.Detail = leaver.FailureType(failure.Type()), failure.Message()
	}
	return notice
}
