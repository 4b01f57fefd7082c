package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leaver-dev/leaver"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
)

// view is an offboarding at one moment.
type view struct {
	user, workflowID string
	at               time.Time
	progress         leaver.Progress
	// attempts says, by the type of a pending activity, what Temporal tells of it.
	attempts map[string]attempt
	closed   bool
	// problem says why the view may be old; lost says that there is nothing to see.
	problem string
	lost    error
}

// attempt is what Temporal knows of a pending activity and the workflow does not.
type attempt struct {
	number int32
	// failure is why the attempt before failed; a look that saw no difference did not.
	failure string
	// next is when the attempt begins; zero means that it has begun.
	next time.Time
}

// queryTimeout is how long one look may take.
const queryTimeout = 5 * time.Second

// look asks Temporal where an offboarding stands.
func (s *starter) look(ctx context.Context, user string) view {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	v := view{user: user, workflowID: s.id(user), at: time.Now()}
	described, err := s.temporal.DescribeWorkflow(ctx, v.workflowID, "")
	if err != nil {
		if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
			v.lost = fmt.Errorf("there is no offboarding %s: start one, or give --workflow-id if it was started by another tool", v.workflowID)
		}
		v.problem = "Temporal does not answer: " + err.Error()
		return v
	}
	v.closed = described.Status != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	v.attempts = attemptsOf(described.RawResponse.GetPendingActivities())
	answer, err := s.temporal.QueryWorkflow(ctx, v.workflowID, "", leaver.QueryProgress)
	if err == nil {
		err = answer.Get(&v.progress)
	}
	if err != nil && !v.closed {
		v.problem = fmt.Sprintf("no worker answers on the task queue %s: is one running?", described.TaskQueueName)
	}
	if !isOf(v.progress.Leaver, user) {
		v.lost = fmt.Errorf("the offboarding %s is of another user, %s: give the other user, or another --workflow-id", v.workflowID, printable(v.progress.Leaver.UserPrincipalName))
	}
	return v
}

// unseen says why there is nothing to see, or is nil.
func (v view) unseen() error {
	if v.lost == nil && v.problem != "" {
		return errors.New(printable(v.problem))
	}
	return v.lost
}

// attemptsOf keeps one attempt for each type of activity: of those that have failed the
// first by its id, so that what is shown does not jump from one item to another.
func attemptsOf(pending []*workflowpb.PendingActivityInfo) map[string]attempt {
	slices.SortFunc(pending, func(a, b *workflowpb.PendingActivityInfo) int {
		return cmp.Compare(a.GetActivityId(), b.GetActivityId())
	})
	attempts := map[string]attempt{}
	for _, p := range pending {
		name := p.GetActivityType().GetName()
		if attempts[name].failure != "" {
			continue
		}
		a := attempt{number: p.GetAttempt(), failure: p.GetLastFailure().GetMessage()}
		if at := p.GetNextAttemptScheduleTime(); at != nil {
			a.next = at.AsTime()
		}
		if name == leaver.ActivityLookAtDevices && p.GetLastFailure().GetApplicationFailureInfo().GetType() == string(leaver.DevicesRemain) {
			a.failure = ""
		}
		attempts[name] = a
	}
	return attempts
}

// outlook says what is awaited of a step that runs: when Graph is asked again, and
// what there is to say of its attempts.
func (v view) outlook(s leaver.StepRecord, looks bool) []string {
	if s.State == leaver.StepPending || s.State == leaver.StepEnded {
		return nil
	}
	var parts []string
	for _, wait := range v.progress.Waits {
		if wait.Step == s.Name && !wait.Until.IsZero() {
			parts = append(parts, "Graph is asked again at "+moment(wait.Until))
		}
	}
	for _, activity := range activities(s.Step) {
		parts = append(parts, v.tried(activity, looks)...)
	}
	return parts
}

// tried says why the last attempt of an activity failed and when the next one is made;
// of looks at devices it says the latter only where it is asked for.
func (v view) tried(activity string, looks bool) (parts []string) {
	a := v.attempts[activity]
	if a.failure != "" {
		parts = append(parts, a.failure)
	}
	switch next := a.next.Local().Format(time.TimeOnly); {
	case !a.next.After(v.at):
	case activity != leaver.ActivityLookAtDevices:
		parts = append(parts, fmt.Sprintf("attempt %d at %s", a.number, next))
	case looks:
		parts = append(parts, "next look at "+next)
	}
	return parts
}

// activities are the types of a step's activities.
func activities(s leaver.Step) []string {
	switch s.Shape {
	case leaver.Each:
		return []string{s.Activity, s.Change}
	case leaver.Devices:
		return []string{s.Activity, leaver.ActivityRetireDevice, leaver.ActivityWipeDevice, leaver.ActivityDeleteDeviceRecord, leaver.ActivityLookAtDevices}
	}
	return []string{s.Activity}
}
