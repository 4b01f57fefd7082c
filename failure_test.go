package leaver_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
)

func applicationError(t *testing.T, f leaver.Failure) *temporal.ApplicationError {
	t.Helper()
	var failure *temporal.ApplicationError
	require.ErrorAs(t, f.Err(), &failure)
	return failure
}

func TestAFailureIsForAPersonUnlessItWaits(t *testing.T) {
	t.Parallel()
	failure := applicationError(t, leaver.Failure{Type: leaver.GraphForbidden, Message: "grant it"})
	assert.Equal(t, "GraphForbidden", failure.Type())
	assert.Equal(t, "grant it", failure.Message())
	assert.True(t, failure.NonRetryable())
	assert.Zero(t, failure.NextRetryDelay())
	assert.False(t, failure.HasDetails())
	assert.NotEqual(t, temporal.ApplicationErrorCategoryBenign, failure.Category())
}

func TestAFailureThatWaitsSaysForHowLong(t *testing.T) {
	t.Parallel()
	failure := applicationError(t, leaver.Failure{Type: leaver.GraphThrottled, Waits: true, After: 2128 * time.Millisecond})
	assert.False(t, failure.NonRetryable())
	assert.Equal(t, 2128*time.Millisecond, failure.NextRetryDelay())
}

func TestAnExpectedFailureIsBenignAndCarriesItsDetails(t *testing.T) {
	t.Parallel()
	failure := applicationError(t, leaver.Failure{Type: leaver.DevicesRemain, Waits: true, Expected: true, Details: []any{leaver.StepResult{Outcome: leaver.Failed}}})
	assert.Equal(t, temporal.ApplicationErrorCategoryBenign, failure.Category())
	var result leaver.StepResult
	require.NoError(t, failure.Details(&result))
	assert.Equal(t, leaver.Failed, result.Outcome)
}

func TestIsFailureLooksThroughWrapping(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("offboard: %w", leaver.Failure{Type: leaver.UserNotFound}.Err())
	assert.True(t, leaver.IsFailure(err, leaver.UserNotFound))
	assert.True(t, leaver.IsFailure(err, leaver.InvalidRequest, leaver.UserNotFound))
	assert.False(t, leaver.IsFailure(err, leaver.InvalidRequest))
	assert.False(t, leaver.IsFailure(err))
	assert.False(t, leaver.IsFailure(errors.New("UserNotFound"), leaver.UserNotFound))
	assert.False(t, leaver.IsFailure(nil, leaver.UserNotFound))
}
