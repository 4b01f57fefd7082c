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

func TestAFailureIsAnApplicationErrorOfTemporals(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]leaver.Failure{
		"for a person unless it waits":                      {Type: leaver.GraphForbidden, Message: "grant it"},
		"one that waits says for how long":                  {Type: leaver.GraphThrottled, Waits: true, After: 2128 * time.Millisecond},
		"an expected one is benign and carries its details": {Type: leaver.DevicesRemain, Waits: true, Expected: true, Details: []any{leaver.Failed}},
	} {
		failure, ok := errors.AsType[*temporal.ApplicationError](f.Err())
		require.True(t, ok, name)
		got := leaver.Failure{Type: leaver.FailureType(failure.Type()), Message: failure.Message(), Waits: !failure.NonRetryable(),
			After: failure.NextRetryDelay(), Expected: failure.Category() == temporal.ApplicationErrorCategoryBenign}
		if failure.HasDetails() {
			var outcome leaver.Outcome
			require.NoError(t, failure.Details(&outcome))
			got.Details = []any{outcome}
		}
		assert.Equal(t, f, got, name)
	}
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
