package main

import (
	"errors"
	"strings"
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
	assert.Contains(t, text, "CONTOSO-MB-0012")
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

func TestAnItemIsFoundByNameOrIDAndOnlyWhereItIsOne(t *testing.T) {
	t.Parallel()
	report := mixedView().progress.Report
	report.Steps[2].Items[8].Device.Name = "Pixel of Adele"
	report.Steps[3].Items = append(report.Steps[3].Items, leaver.Item{ID: "a5"})
	v := view{progress: leaver.Progress{Report: report}}
	for step, want := range map[string][]string{leaver.StepRemoveAllDevices: {"d01", "d02"}, leaver.StepDeleteAutopilotIdentities: {"a1", "a5"}} {
		ids, err := v.ids(step, []string{"CONTOSO-LT-0401", want[1]})
		require.NoError(t, err)
		assert.Equal(t, want, ids, "a device's name is an item's of each step")
	}
	_, err := v.ids(leaver.StepRemoveAllDevices, []string{"Pixel of Adele"})
	require.ErrorContains(t, err, "is the name or id of 2 items")
	_, err = v.ids(leaver.StepDisableAccount, []string{"CONTOSO-LT-0401"})
	require.ErrorContains(t, err, "is the name or id of 0 items")
	_, err = v.ids("foo", []string{"d01"})
	require.ErrorContains(t, err, `the plan has no step "foo", want one of disableAccount, `)
}

// B52: a name as it is shown, or as people type it.
func TestANameIsFoundAsItIsShownAndAsPeopleTypeIt(t *testing.T) {
	t.Parallel()
	var items []leaver.Item
	for id, name := range map[string]string{"D1": "DESKTOP-1", "d2": "iPhone\u00a0de\u202fAdele", "d3": "Ame\u0301lie's 👩\u200d💻", "d4": "desktop-2", "d5": "DESKTOP-2", "d6": "\u212aiosk", "d7": "\u0130Pad", "d8": "\u00c9TAGE"} {
		items = append(items, leaver.Item{ID: id, Device: &leaver.Device{DeviceFacts: leaver.DeviceFacts{Name: name}}})
	}
	v := view{progress: leaver.Progress{Report: leaver.Report{Steps: []leaver.StepRecord{{Step: leaver.Step{Name: "s"}, Items: items}}}}}
	for typed, want := range map[string]string{"desktop-1": "D1", "d1": "D1", "iphone de adele": "d2", "iPhone\u00a0de Adele": "d2", "Amélie's 👩\u200d💻": "d3", "desktop-2": "d4", "DESKTOP-2": "d5", "\u212aIOSK": "d6", "E\u0301tage": "d8"} {
		ids, err := v.ids("s", []string{typed})
		require.NoError(t, err, typed)
		assert.Equal(t, []string{want}, ids, typed)
	}
	_, err := v.ids("s", []string{"Desktop-2"})
	require.ErrorContains(t, err, "is the name or id of 2 items")
	for _, other := range []string{"kiosk", "KIOSK", "ipad"} {
		_, err = v.ids("s", []string{other})
		require.ErrorContains(t, err, "is the name or id of 0 items", "a letter that merely folds to one of ASCII is another")
	}
	for _, item := range items {
		assert.Equal(t, item.Device.Name, printable(item.Device.Name), "it is shown as it is")
	}
}

func TestWhatWasAskedOfADeviceIsWhatIntuneMayHaveHeard(t *testing.T) {
	t.Parallel()
	accepted, lost := call(leaver.Retire, 2, leaver.CallAccepted), call(leaver.Wipe, 3, leaver.CallUnknown)
	again := accepted
	again.Again = true
	for want, calls := range map[string][]leaver.Call{
		"planned: retire":                         {},
		"planned: retire ":                        {call(leaver.Retire, 2, leaver.CallQueued), call(leaver.Retire, 3, leaver.CallRefused)},
		"retire 2026-03-02 09:02:00":              {accepted},
		"retire 2026-03-02 09:02:00 ":             {accepted, call(leaver.Wipe, 3, leaver.CallRefused)},
		"wipe 2026-03-02 09:03:00":                {call(leaver.Wipe, 2, leaver.CallQueued), lost},
		"wipe 2026-03-02 09:03:00 ":               {accepted, lost},
		"retire 2026-03-02 09:02:00, asked again": {accepted, again, call(leaver.Wipe, 3, leaver.CallQueued)},
	} {
		assert.Equal(t, strings.TrimSpace(want), asked(leaver.Device{Planned: leaver.Retire, Calls: calls}))
	}
	assert.Empty(t, asked(leaver.Device{}))
}
