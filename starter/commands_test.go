package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// ran runs a command and returns what it printed.
func ran(args ...string) (string, error) {
	c := command()
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&out)
	c.SetArgs(args)
	err := c.ExecuteContext(context.Background())
	return out.String(), err
}

func TestTheSameUserHasTheSameWorkflowInAnyCase(t *testing.T) {
	t.Parallel()
	s := &starter{}
	id := s.id("adele@contoso.com")
	assert.Equal(t, id, s.id("Adele@Contoso.COM"))
	assert.NotEqual(t, id, s.id("adele@example.com"))
	assert.Regexp(t, regexp.MustCompile(`^offboard-[0-9a-f]{16}$`), id)
	assert.NotContains(t, id, "adele")
	assert.NotContains(t, id, "contoso")
}

func TestAnObjectIDIsKeptAndAGivenWorkflowIDWins(t *testing.T) {
	t.Parallel()
	const want = "offboard-8f3c6a52-0c1e-4f0e-9b7e-0d7f5c3a1b2d"
	assert.Equal(t, want, (&starter{}).id("8f3c6a52-0c1e-4f0e-9b7e-0d7f5c3a1b2d"))
	assert.Equal(t, want, (&starter{}).id("8F3C6A52-0C1E-4F0E-9B7E-0D7F5C3A1B2D"))
	assert.Equal(t, "mine", (&starter{workflowID: "mine"}).id("adele@contoso.com"))
}

// Temporal is not there in this test: it is not asked.
func TestABadRequestIsRefusedBeforeTemporalIsAsked(t *testing.T) {
	t.Parallel()
	for want, request := range map[string]leaver.Request{
		"userId: is missing":                {},
		"userId: must not contain '/'":      {UserID: "a/b"},
		"onFailure: want ask, continue":     {UserID: "adele@contoso.com", OnFailure: "stop"},
		"deviceDeadline: is 1ms, want at":   {UserID: "adele@contoso.com", DeviceDeadline: leaver.Duration(time.Millisecond)},
		"userId: must not be a relative pa": {UserID: ".."},
		"reason: is 1025 characters long":   {UserID: "adele@contoso.com", Reason: strings.Repeat("é", 1025)},
	} {
		err := (&starter{}).start(context.Background(), request)
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "retryable", "Temporal's decorations are not for people")
	}
}

func TestCommandsTakeWhatTheyNeed(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"start"}, {"start", "a", "b"}, {"watch"}, {"status"}, {"cancel"}, {"retry-step", "adele@contoso.com"},
		{"skip-step", "adele@contoso.com"}, {"abort"}, {"abort", "adele@contoso.com", "disableAccount"}, {"dance"}, {"answer", "adele@contoso.com", "removeAllDevices"},
		{"start", "adele@contoso.com", "--wipe"}, {"status", "adele@contoso.com", "--output", "xml"},
	} {
		_, err := ran(args...)
		assert.Error(t, err, "%v", args)
	}
}

func TestTheHelpNamesEveryDecisionAndThatOfStartEveryStepThatCanBeIncluded(t *testing.T) {
	t.Parallel()
	help, err := ran("--help")
	require.NoError(t, err)
	ofStart, err := ran("start", "--help")
	require.NoError(t, err)
	for _, name := range []string{"start", "watch", "status", "cancel", "retry-step", "skip-step", "abort", "answer"} {
		assert.Contains(t, help, name)
	}
	for _, name := range leaver.OptionalSteps() {
		assert.Contains(t, ofStart, name)
	}
}

// asReceived is an error as a client receives it: through protobuf, with the
// workflow around it.
func asReceived(err error) error {
	c := temporal.GetDefaultFailureConverter()
	return fmt.Errorf("workflow execution error: %w", c.FailureToError(c.ErrorToFailure(err)))
}

func TestTheReportIsFoundInHowAWorkflowEnded(t *testing.T) {
	t.Parallel()
	want := incompleteReport()
	for name, err := range map[string]error{
		"incomplete": leaver.Failure{Type: leaver.OffboardingIncomplete, Message: "offboarding incomplete", Details: []any{want}}.Err(),
		"canceled":   temporal.NewCanceledError(want),
	} {
		var report leaver.Report
		assert.True(t, reportIn(asReceived(err), &report), name)
		assert.Equal(t, want, report, name)
	}
}

func TestAnEndWithoutAReportHasNone(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"a failure of planning": asReceived(leaver.Failure{Type: leaver.UserNotFound, Message: "no such user"}.Err()),
		"canceled":              asReceived(temporal.NewCanceledError()),
		"terminated":            errors.New("terminated"),
		"other details":         asReceived(leaver.Failure{Type: "Other", Details: []any{"text"}}.Err()),
		"no error":              nil,
	} {
		var report leaver.Report
		assert.False(t, reportIn(err, &report), name)
	}
}

func TestOnlyWhatNobodyNeedsToActOnEndedWell(t *testing.T) {
	t.Parallel()
	for status, want := range map[leaver.Status]bool{
		leaver.Completed: true, leaver.CompletedWithExceptions: true, leaver.Planned: true,
		leaver.Incomplete: false, leaver.Aborted: false, leaver.CanceledStatus: false,
		leaver.Planning: false, leaver.Running: false, leaver.Waiting: false, "": false,
	} {
		assert.Equal(t, want, endedWell(status), status)
	}
}

func TestTemporalsAnswersAreWordedForPeople(t *testing.T) {
	t.Parallel()
	s := &starter{}
	assert.ErrorContains(t, s.explain(serviceerror.NewNotFound("workflow not found for ID"), "adele@contoso.com"),
		"there is no running offboarding "+s.id("adele@contoso.com"))
	refused := asReceived(leaver.Failure{Type: leaver.InvalidRequest, Message: "step: disableAccount has ended (done)"}.Err())
	assert.EqualError(t, s.explain(refused, "adele@contoso.com"), "step: disableAccount has ended (done)")
	assert.EqualError(t, s.explain(errors.New("deadline exceeded"), "adele@contoso.com"), "deadline exceeded")
}

func TestWhatTemporalTellsOfAPendingActivityIsRead(t *testing.T) {
	t.Parallel()
	pending := func(id, activity string, number int32, failure error) *workflowpb.PendingActivityInfo {
		info := &workflowpb.PendingActivityInfo{ActivityId: id, ActivityType: &commonpb.ActivityType{Name: activity}, Attempt: number, NextAttemptScheduleTime: timestamppb.New(at(45))}
		if failure != nil {
			info.LastFailure = temporal.GetDefaultFailureConverter().ErrorToFailure(failure)
		}
		return info
	}
	same := leaver.Failure{Type: leaver.DevicesRemain, Waits: true, Expected: true, Message: "LookAtDevices: nothing differs"}.Err()
	down := leaver.Failure{Type: leaver.GraphUnavailable, Waits: true, Message: "LookAtDevices: Graph answered 503"}.Err()
	for name, c := range map[string]struct {
		pending *workflowpb.PendingActivityInfo
		want    attempt
	}{
		"failed":             {pending("5", "RevokeSessions", 7, errors.New("not yet")), attempt{7, "not yet", at(45)}},
		"new":                {&workflowpb.PendingActivityInfo{Attempt: 1}, attempt{number: 1}},
		"saw no difference":  {pending("5", leaver.ActivityLookAtDevices, 3, same), attempt{3, "", at(45)}},
		"could not look":     {pending("5", leaver.ActivityLookAtDevices, 3, down), attempt{3, "LookAtDevices: Graph answered 503", at(45)}},
		"a host's own waits": {pending("5", "ReturnLaptop", 3, same), attempt{3, "LookAtDevices: nothing differs", at(45)}},
	} {
		got := attemptsOf([]*workflowpb.PendingActivityInfo{c.pending})
		assert.Equal(t, map[string]attempt{c.pending.GetActivityType().GetName(): c.want}, got, name)
	}
	first, second := pending("12", "DeleteGroup", 2, errors.New("first")), pending("17", "DeleteGroup", 9, errors.New("second"))
	for _, order := range [][]*workflowpb.PendingActivityInfo{{first, second}, {second, first}, {pending("11", "DeleteGroup", 1, nil), second, first}, {second, first, pending("19", "DeleteGroup", 1, nil)}} {
		assert.Equal(t, "first", attemptsOf(order)["DeleteGroup"].failure, "what is shown does not jump from one item to another")
	}
}
