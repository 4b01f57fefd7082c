package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/sdk/activity"
)

// HandOverOneDrive lets the successor read and change what is in the leaver's OneDrive, and reads that back: SharePoint
// is known to answer an invitation with success that does nothing.
//
// Microsoft: POST /drives/{id}/items/{id}/invite, https://learn.microsoft.com/graph/api/driveitem-invite
func (a *Activities) HandOverOneDrive(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	driveID, err := a.graph.DriveID(ctx, step.UserID)
	switch {
	case a.isDeleted(ctx, step.UserID, err):
		return leaver.StepResult{}, named(ctx, leaver.Failure{Type: leaver.UserNotFound, Message: accountDeleted + ", and Graph does not find its OneDrive any more: a SharePoint administrator can give access while it is kept, for 30 days unless the tenant says otherwise"})
	case neverMade(err):
		return leaver.StepResult{Outcome: leaver.Skipped, Detail: "Graph finds no OneDrive of the leaver: none was ever made, or its licence has been taken away already, and a SharePoint administrator sees whether there are files"}, nil
	case err != nil:
		return leaver.StepResult{}, failure(ctx, err)
	}
	rootID, err := a.graph.DriveRootID(ctx, driveID)
	if err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	next, note, err := a.whoTakesOver(ctx, subject{UserID: step.UserID, Settings: step.Settings})
	if err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	if note != "" {
		note += "; "
	}
	permission, err := a.drivePermission(ctx, driveID, rootID, next)
	switch {
	case err != nil:
		return leaver.StepResult{}, failure(ctx, err)
	case permission != "" && activity.GetInfo(ctx).Attempt == 1:
		return alreadyDone("the successor could change the OneDrive before; " + clocks(time.Now())), nil
	}
	item := leaver.Item{ID: permission, Kind: "permission", Outcome: leaver.Done, Before: map[string]string{"driveId": driveID, "itemId": rootID}}
	if permission != "" {
		item.Detail = "an earlier attempt has given it, or it is older than the offboarding"
		return done(note+handedOver+clocks(time.Now()), item), nil
	}
	if err := a.invite(ctx, driveID, rootID, next); err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	switch item.ID, err = a.drivePermission(ctx, driveID, rootID, next); {
	case err != nil:
		return leaver.StepResult{}, failure(ctx, err)
	case item.ID == "":
		return leaver.StepResult{}, failure(ctx, errStillSo)
	}
	return done(note+handedOver+clocks(time.Now()), item), nil
}

// neverMade reports whether an error says that a user has no OneDrive. A user whom Graph does not find is another case.
func neverMade(err error) bool {
	answer, ok := errors.AsType[*graph.Error](err)
	return ok && notFound(err) && answer.Code != "Request_ResourceNotFound"
}

// drivePermission is the id of the permission by which a user may change a OneDrive, or empty.
func (a *Activities) drivePermission(ctx context.Context, driveID, rootID, userID string) (string, error) {
	permissions, err := a.graph.DrivePermissions(ctx, driveID, rootID)
	if at := slices.IndexFunc(permissions, func(p graph.DrivePermission) bool { return p.LetsWrite(userID) }); at >= 0 {
		return permissions[at].ID, nil
	}
	return "", err
}

func (a *Activities) invite(ctx context.Context, driveID, rootID, userID string) error {
	granted, err := a.graph.InviteToDrive(ctx, driveID, rootID, userID)
	if err != nil || slices.ContainsFunc(granted, func(p graph.DrivePermission) bool { return p.LetsWrite(userID) }) {
		return err
	}
	code := ""
	for _, p := range granted {
		if p.Error != nil {
			code = " (" + graph.CodeOf(p.Error.Code) + ")"
		}
	}
	return errUndone("SharePoint answered the invitation with success and gave no access" + code + ": a SharePoint administrator can make the successor a site administrator of the OneDrive; then skip the step, or retry")
}

const handedOver = "the successor can read and change the OneDrive, and is neither its owner nor its site administrator; what has permissions of its own there is not reached, and no mail was sent; "

// clocks say when the access ends by itself.
//
// Microsoft: https://learn.microsoft.com/sharepoint/unlicensed-onedrive-accounts
func clocks(now time.Time) string {
	on := func(days int) string { return now.UTC().AddDate(0, 0, days).Format(time.DateOnly) }
	deleted := now.UTC().AddDate(1, 0, 93).Format(time.DateOnly)
	return fmt.Sprintf("if the licence goes today the OneDrive is read-only from %s, archived from %s and, unless the archive is paid for, deleted from %s; if the account is deleted it is kept for 30 days, or as the tenant says", on(60), on(93), deleted)
}
