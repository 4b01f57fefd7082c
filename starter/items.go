package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/leaver-dev/leaver"
	"golang.org/x/text/unicode/norm"
)

// rows has a row for each device, and one for each other item.
func (v view) rows() (devices, items [][]string) {
	for _, s := range v.progress.Steps {
		for _, item := range s.Items {
			switch d := item.Device; {
			case s.Shape != leaver.Devices:
				items = append(items, []string{printable(s.Name), printable(itemName(item)), itemState(s, item), printable(item.Detail)})
			case d != nil:
				devices = append(devices, []string{printable(d.Name), printable(d.OperatingSystem), printable(d.OwnerType),
					printable(asked(*d)), printable(d.ManagementState), moment(d.LastSyncDateTime), verdict(item)})
			}
		}
	}
	return devices, items
}

// asked says what Intune has heard last, or may have heard, of what is asked of a
// device; before that, what is planned.
func asked(d leaver.Device) string {
	switch last := d.Asked(); {
	case last == nil && d.Planned != "":
		return "planned: " + string(d.Planned)
	case last == nil:
		return ""
	case last.Again:
		return string(last.Action) + " " + moment(last.At) + ", asked again"
	default:
		return string(last.Action) + " " + moment(last.At)
	}
}

var verdicts = map[leaver.Verdict]string{
	leaver.Gone: "gone", leaver.AwaitingApproval: "awaits approval", leaver.Leaving: "not yet gone",
	leaver.Unknown: "asked? its answer was lost", leaver.Silent: "silent", leaver.RemovalFailed: "failed",
	leaver.NotIntunes: "not Intune's", leaver.RemovalCanceled: "canceled in Intune", leaver.NotAsked: "not asked", leaver.Kept: "kept", leaver.GivenUp: "given up",
}

// verdict says how a device stands, and why where it has not ended.
func verdict(item leaver.Item) string {
	d := item.Device
	text := cmp.Or(verdicts[d.Verdict], string(d.Verdict))
	switch {
	case item.Choice != "":
		text = "decided: " + string(item.Choice)
	case d.Verdict == leaver.AwaitingApproval && item.Approval != nil:
		text += " " + item.Approval.Code
	case d.Verdict == "" && item.Detail == "" && d.RecoveryKey == leaver.RecoveryKeyOnRecord:
		text = "BitLocker recovery key is on record"
	}
	ended := item.Outcome == leaver.Done || item.Outcome == leaver.Skipped
	switch {
	case text == "":
		text = item.Detail
	case item.Detail != "" && (!ended || d.Verdict == leaver.NotIntunes):
		text += "; " + item.Detail
	}
	style := busy
	switch {
	case d.Verdict == leaver.Gone:
		style = good
	case item.Outcome == leaver.Failed || d.Verdict == leaver.AwaitingApproval:
		style = bad
	case d.Verdict == "" || ended:
		style = plain
	}
	return style.Render(printable(text))
}

// itemName is what people call an item.
func itemName(item leaver.Item) string {
	if item.Device != nil && item.Device.Name != "" {
		return item.Device.Name
	}
	return cmp.Or(item.Name, item.ID)
}

// itemState is one word for where an item stands, as state is for a step.
func itemState(s leaver.StepRecord, item leaver.Item) string {
	switch ended := s.State == leaver.StepEnded; {
	case item.AwaitsApproval() && !ended:
		return bad.Render(printable(verdicts[leaver.AwaitingApproval] + " " + item.Approval.Code))
	case item.Outcome == "" && !ended:
		return string(leaver.StepPending)
	case item.Outcome == leaver.Failed && item.Failure != "" && !ended:
		return bad.Render(string(leaver.StepWaiting))
	}
	return outcomes[item.Outcome].Render(printable(string(item.Outcome)))
}

// folded is a text as people tell it: in any case, with any space, and with its accents
// composed or not. The Kelvin sign is no k: NFC makes it a capital K, which no letter folds to.
func folded(text string) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		lower := unicode.ToLower(r)
		switch {
		case unicode.IsSpace(r) || unicode.Is(unicode.Zs, r):
			return ' '
		case r > unicode.MaxASCII && lower <= unicode.MaxASCII:
			return r
		}
		return lower
	}, text))
}

// ids finds the ids of a step's items. A name that two items share is refused.
func (v view) ids(step string, names []string) ([]string, error) {
	var steps, ids []string
	for _, s := range v.progress.Steps {
		steps = append(steps, s.Name)
	}
	at := slices.Index(steps, step)
	if at < 0 {
		return nil, fmt.Errorf("the plan has no step %q, want one of %s", step, printable(strings.Join(steps, ", ")))
	}
	for _, text := range names {
		var found, alike []string
		for _, item := range v.progress.Steps[at].Items {
			if item.ID == text || itemName(item) == text {
				found = append(found, item.ID)
			}
			if folded(item.ID) == folded(text) || folded(itemName(item)) == folded(text) {
				alike = append(alike, item.ID)
			}
		}
		if len(found) == 0 {
			found = alike
		}
		if len(found) != 1 {
			return nil, fmt.Errorf("%q is the name or id of %d items of %s, want one: give the id, which `starter status -o json` shows", text, len(found), step)
		}
		ids = append(ids, found[0])
	}
	return ids, nil
}
