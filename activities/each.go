package activities

import (
	"context"
	"errors"
	"slices"

	"github.com/leaver-dev/leaver"
)

// things is what a step of shape Each has to know by itself; what all such steps have in common is done here. The
// list is the truth: a change is done when the list, or look, shows it, whatever the answer to the change was.
type things struct {
	// none says that the leaver has no such things, such as "the leaver is a member of no group".
	none string
	// note says what a person should know of the list as a whole, or "". It may be nil.
	note func([]leaver.Item) string
	// list returns the items as they stand. One without an outcome is to be changed; one that is Failed cannot be
	// changed here, and its detail says why and who can, or it is a question where it has a failure too; one that
	// is AlreadyDone or Skipped needs no change.
	list func(*Activities, context.Context, subject) ([]leaver.Item, error)
	// look returns one item as it stands, by its id. Where it is nil, the item is looked for in the list.
	look func(*Activities, context.Context, subject, leaver.Item) (leaver.Item, error)
	// change changes one item. An attempt before may have changed it.
	change func(*Activities, context.Context, subject, leaver.Item) error
	// changed says what has become of an item that is not listed any more, such as "the membership is removed".
	changed string
	// follows says what follows from the change of an item, such as a grace period, or "". It may be nil.
	follows func(leaver.Item) string
}

// gone says what has become of an item that is not listed any more.
func (t *things) gone(item leaver.Item) string {
	if t.follows == nil || t.follows(item) == "" {
		return t.changed
	}
	return t.changed + "; " + t.follows(item)
}

// subject is whom a step is about, and what it was told.
type subject struct {
	UserID   string
	Settings leaver.Settings
	// Results is how the steps ended that the step comes after, where the items are listed.
	Results map[string]leaver.StepResult
	// Known are the items of an earlier list, or the one that is changed.
	Known []leaver.Item
}

// listItems lists what the step is to change, and what it cannot change. Items of an earlier list that are not listed
// any more have been changed.
func (t *things) listItems(a *Activities, ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	items, err := t.list(a, ctx, subject{step.UserID, step.Settings, step.Results, step.Items})
	result := leaver.StepResult{}
	if why, ok := errors.AsType[errNotApplicable](err); ok {
		err, result.Outcome, result.Detail = nil, leaver.Skipped, why.Error()
	} else if a.isDeleted(ctx, step.UserID, err) {
		err, result.Detail = nil, accountDeleted
	}
	if err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	for _, known := range step.Items {
		switch {
		case slices.ContainsFunc(items, func(i leaver.Item) bool { return i.ID == known.ID }):
		case result.Detail != "":
			result.Items = append(result.Items, settled(known, leaver.Skipped, result.Detail))
		default:
			result.Items = append(result.Items, settled(known, leaver.AlreadyDone, t.gone(known)))
		}
	}
	for _, item := range items {
		at := slices.IndexFunc(step.Items, func(known leaver.Item) bool { return known.ID == item.ID })
		switch {
		case at < 0:
		case item.Outcome == leaver.AlreadyDone || item.Outcome == leaver.Skipped:
			item = settled(step.Items[at], item.Outcome, item.Detail)
		case step.Items[at].Before != nil:
			item.Before = step.Items[at].Before // as it was before the first change
		}
		result.Items = append(result.Items, item)
	}
	switch {
	case result.Detail != "":
	case len(result.Items) == 0:
		result.Detail = t.none
	case t.note != nil:
		result.Detail = t.note(result.Items)
	}
	return result, nil
}

// said is what a plan says of a list.
func (t *things) said(items []leaver.Item, err error) string {
	why, notApplicable := errors.AsType[errNotApplicable](err)
	switch {
	case notApplicable:
		return why.Error()
	case err != nil:
		return "what there is could not be read for the plan: " + explain(err).Message
	case t.note != nil && len(items) > 0:
		return t.note(items)
	}
	return ""
}

// errNotApplicable says why the leaver can have nothing that a step would change.
type errNotApplicable string

func (e errNotApplicable) Error() string { return string(e) }

// changeItem changes one item, after it has looked whether that is to be done still, and looks whether the change
// shows.
func (t *things) changeItem(a *Activities, ctx context.Context, request leaver.ItemRequest) (leaver.Item, error) {
	if request.Item.ID == "" {
		return leaver.Item{}, invalid(ctx, "item.id: is missing, want the id of an item that was listed")
	}
	open := request.Item
	s := subject{UserID: request.UserID, Settings: request.Settings, Known: []leaver.Item{open}}
	open.Outcome, open.Detail, open.Failure, open.Choice = "", "", "", ""
	item, err := t.stand(a, ctx, s, open)
	switch {
	case err != nil:
		return leaver.Item{}, failure(ctx, err)
	case item.Outcome == leaver.Failed:
		is := item.Failure
		if is == "" {
			is = leaver.GraphBadRequest
		}
		return leaver.Item{}, named(ctx, leaver.Failure{Type: is, Message: item.Detail})
	case item.Outcome != "": // an earlier attempt may have changed it and lost the answer
		return settled(open, item.Outcome, item.Detail), nil
	}
	notYet := errStillSo
	switch err := t.change(a, ctx, s, item); {
	case isMissing(err), isUnlinked(err):
		notYet = errListLags
	case err != nil:
		return leaver.Item{}, failure(ctx, err)
	}
	switch item, err = t.stand(a, ctx, s, open); {
	case err != nil:
		return leaver.Item{}, failure(ctx, err)
	case item.Outcome != leaver.AlreadyDone:
		return leaver.Item{}, failure(ctx, notYet)
	}
	return settled(open, item.Outcome, item.Detail), nil
}

// stand is how an item stands now.
func (t *things) stand(a *Activities, ctx context.Context, s subject, item leaver.Item) (leaver.Item, error) {
	if t.look != nil {
		return t.look(a, ctx, s, item)
	}
	items, err := t.list(a, ctx, s)
	if a.isDeleted(ctx, s.UserID, err) {
		return leaver.Item{Outcome: leaver.Skipped, Detail: accountDeleted}, nil
	}
	if why, ok := errors.AsType[errNotApplicable](err); ok {
		return leaver.Item{Outcome: leaver.Skipped, Detail: why.Error()}, nil
	}
	if err != nil {
		return leaver.Item{}, err
	}
	if at := slices.IndexFunc(items, func(i leaver.Item) bool { return i.ID == item.ID }); at >= 0 {
		return items[at], nil
	}
	return leaver.Item{Outcome: leaver.AlreadyDone, Detail: t.gone(item)}, nil
}
