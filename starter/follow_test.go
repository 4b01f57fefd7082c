package main

import (
	"errors"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheLiveTableKeepsWhatItSawWhenNobodyAnswers(t *testing.T) {
	t.Parallel()
	seen := waitingView()
	s := screen{view: seen}
	model, next := s.Update(view{workflowID: seen.workflowID, problem: "no worker answers"})
	require.NotNil(t, next, "it looks again")
	after := model.(screen)
	assert.Equal(t, seen.progress, after.view.progress)
	text := strip(after.view.table(0))
	assert.Contains(t, text, "no worker answers")
	assert.Contains(t, text, "disableAccount")
}

func TestTheLiveTableEndsWithTheOffboarding(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]view{
		"closed": {workflowID: "offboard-1", closed: true},
		"lost":   {workflowID: "offboard-1", lost: errors.New("there is no offboarding")},
	} {
		model, next := screen{}.Update(last)
		require.NotNil(t, next, name)
		assert.Equal(t, tea.QuitMsg{}, next(), name)
		assert.Equal(t, tea.NewView(""), model.View(), "the report is printed below, not the table twice")
	}
}

func TestADeviceIsFoundByNameOrIDAndOnlyWhereItIsOne(t *testing.T) {
	t.Parallel()
	report := incompleteReport()
	report.Steps[3].Items[2].Device.Name = "Pixel of Adele"
	v := view{progress: leaver.Progress{Report: report}}
	ids, err := v.items(leaver.StepAwaitDevicesRemoved, []string{"CONTOSO-LT-0417", "d2"})
	require.NoError(t, err)
	assert.Equal(t, []string{"d1", "d2"}, ids)
	_, err = v.items(leaver.StepAwaitDevicesRemoved, []string{"Pixel of Adele"})
	require.ErrorContains(t, err, "is the name or id of 2 devices")
	_, err = v.items(leaver.StepDisableAccount, []string{"CONTOSO-LT-0417"})
	require.ErrorContains(t, err, "is the name or id of 0 devices")
}

func TestTheLiveTableShowsTheDevicesOfARunningStep(t *testing.T) {
	t.Parallel()
	v := waitingView()
	rows := v.devices()
	require.Len(t, rows, 3)
	assert.Equal(t, "retirePending", rows[0][4], "what a running activity saw is newer than a step's result")
	assert.Contains(t, rows[0][6], "gone")
	delete(v.attempts, leaver.ActivityAwaitDevicesRemoved)
	assert.Equal(t, "managed", v.devices()[0][4])
}
