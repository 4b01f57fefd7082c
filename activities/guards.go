package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/ascii"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/errgroup"
)

// Guards say whom a plan refuses, and which plans a person approves first.
type Guards struct {
	// ProtectedUsers are object ids or user principal names, and ProtectedGroups object ids of groups, whose members
	// count also where they are members by another group. Nobody of them is offboarded.
	ProtectedUsers, ProtectedGroups []string
	// Privileged is what becomes of who holds a directory role, or may: GuardApproval, GuardRefused or GuardClear.
	// Empty means GuardApproval.
	Privileged leaver.GuardResult
	// MaxDevices is how many devices a leaver may have without an approval. Zero means 20.
	MaxDevices int
	// MaxStarts is how many offboardings may begin within an hour without an approval, over all workers of the
	// Temporal namespace. Zero means 10; a negative number has them not counted.
	MaxStarts int
	// AllowOthers does not look for other running offboardings of the same leaver.
	AllowOthers bool
	// Strict refuses a leaver about whom a guard cannot read what it needs.
	Strict bool
	// Approvals says when a plan is approved first. Empty means ApproveGuarded.
	Approvals ApprovalRule
	// Approvers is how many people must approve a plan. Zero means one.
	Approvers int
	// AllowedSigners is the content of an allowed signers file of OpenSSH. Where it is given, approvals are signed
	// by people in it; else whoever reaches Temporal can approve.
	AllowedSigners []byte
}

// ApprovalRule is when a plan is approved before anything is touched.
type ApprovalRule string

const (
	ApproveNever       ApprovalRule = "never"
	ApproveGuarded     ApprovalRule = "guarded"     // when a guard says so
	ApproveDestructive ApprovalRule = "destructive" // and for whatever wipes or deletes
	ApproveAlways      ApprovalRule = "always"
)

// Check reports what is wrong, by the name of the field.
func (g Guards) Check() error {
	switch {
	case !slices.Contains([]leaver.GuardResult{"", leaver.GuardApproval, leaver.GuardRefused, leaver.GuardClear}, g.Privileged):
		return errors.New("guards: Privileged: want approval, refused or clear")
	case !slices.Contains([]ApprovalRule{"", ApproveNever, ApproveGuarded, ApproveDestructive, ApproveAlways}, g.Approvals):
		return errors.New("guards: Approvals: want never, guarded, destructive or always")
	case slices.ContainsFunc(g.ProtectedGroups, func(id string) bool { return uuid.Validate(id) != nil }):
		return errors.New("guards: ProtectedGroups: want object ids of groups")
	case slices.ContainsFunc(g.ProtectedUsers, func(id string) bool { return leaver.CheckUserID(id) != nil }):
		return errors.New("guards: ProtectedUsers: want object ids or user principal names")
	case g.MaxDevices < 0:
		return errors.New("guards: MaxDevices: must not be negative")
	case g.Approvers < 0 || g.Approvers > 10:
		return errors.New("guards: Approvers: want one to ten")
	}
	return nil
}

// guardAccount finds out about the dangers of an account, side by side. What Graph does not let the worker read is
// said; what passes is an error, until it has been tried often enough: no guard leaves the account open.
func (a *Activities) guardAccount(ctx context.Context, l leaver.Leaver) ([]leaver.Guard, error) {
	memberships := sync.OnceValues(func() ([]graph.Membership, error) { return a.graph.Memberships(ctx, l.ID) })
	finds := []struct {
		name leaver.GuardName
		find func() (leaver.GuardResult, string, error)
	}{
		{leaver.GuardProtectedUser, func() (leaver.GuardResult, string, error) { return a.protected(l, memberships) }},
		{leaver.GuardPrivilegedUser, func() (leaver.GuardResult, string, error) { return a.privileged(ctx, l, memberships) }},
		{leaver.GuardResourceAccount, func() (leaver.GuardResult, string, error) { return a.resourceAccount(ctx, l) }},
		{leaver.GuardOffboardedBefore, func() (leaver.GuardResult, string, error) { return a.offboardedBefore(ctx, l) }},
		{leaver.GuardManyStarts, func() (leaver.GuardResult, string, error) { return a.manyStarts(ctx) }},
	}
	found := make([]leaver.Guard, len(finds))
	err := readEach(ctx, len(finds), func(_ context.Context, i int) error {
		result, detail, err := finds[i].find()
		switch {
		case waits(err) && !(isPassing(err) && lastTry(ctx)):
			return err
		case err != nil: // a guard that cannot be read is no reason to leave the account open
			result, detail = leaver.GuardNotChecked, explain(err).Message
		}
		found[i] = leaver.Guard{Name: finds[i].name, Result: result, Detail: detail}
		return nil
	})
	return found, err
}

// guardOwnAccount finds out whether the worker signs in as the leaver, once each client has sent a token.
func (a *Activities) guardOwnAccount(l leaver.Leaver) leaver.Guard {
	guard := leaver.Guard{Name: leaver.GuardOwnAccount, Result: leaver.GuardClear}
	for _, client := range []*graph.Client{a.graph, a.devices} {
		switch user := client.SignedInUser(); {
		case user != "" && ascii.EqualFold(user, l.ID):
			return leaver.Guard{Name: leaver.GuardOwnAccount, Result: leaver.GuardRefused, Detail: "the worker signs in as this user"}
		case user == "" && client.TokenKind() != graph.Application:
			guard.Result, guard.Detail = leaver.GuardNotChecked, "it is not known whom the worker signs in as: a token does not tell, or none was needed for the plan"
		}
	}
	return guard
}

func (a *Activities) protected(l leaver.Leaver, memberships func() ([]graph.Membership, error)) (leaver.GuardResult, string, error) {
	isLeaver := func(id string) bool {
		return slices.Contains([]string{leaver.CanonicalID(l.ID), leaver.CanonicalID(l.UserPrincipalName)}, leaver.CanonicalID(id))
	}
	switch {
	case slices.ContainsFunc(a.guards.ProtectedUsers, isLeaver):
		return leaver.GuardRefused, "the worker's configuration protects this user", nil
	case len(a.guards.ProtectedGroups) == 0 || l.Deleted:
		return leaver.GuardClear, "", nil
	}
	all, err := memberships()
	if err != nil {
		return "", "", err
	}
	for _, m := range all {
		if slices.ContainsFunc(a.guards.ProtectedGroups, func(id string) bool { return leaver.CanonicalID(id) == leaver.CanonicalID(m.ID) }) {
			return leaver.GuardRefused, "the user is a member of a group that the worker's configuration protects", nil
		}
	}
	return leaver.GuardClear, "", nil
}

// privileged finds directory roles that the leaver holds or may activate, and groups that can hold roles.
func (a *Activities) privileged(ctx context.Context, l leaver.Leaver, memberships func() ([]graph.Membership, error)) (leaver.GuardResult, string, error) {
	if a.guards.Privileged == leaver.GuardClear || l.Deleted {
		return leaver.GuardClear, "", nil
	}
	var held, eligible []graph.RoleAssignment
	joinable, hidden := 0, 0
	var group errgroup.Group
	group.Go(func() (err error) { joinable, err = a.activatableGroups(ctx, l.ID); return err })
	group.Go(func() (err error) { held, err = a.graph.RoleAssignments(ctx, l.ID); return err })
	group.Go(func() (err error) {
		eligible, err = a.graph.RoleEligibilities(ctx, l.ID)
		if notLicensed(err) {
			err = nil
		}
		return err
	})
	all, err := memberships()
	err = errors.Join(err, group.Wait())
	roles, groups := len(held), 0
	for _, m := range all {
		switch {
		case m.IsRole():
			roles++
		case m.IsAssignableToRole:
			groups++
		case m.MayHoldRoles():
			hidden++
		}
	}
	if roles+groups+hidden+len(eligible)+joinable == 0 {
		return leaver.GuardClear, "", err // one list that cannot be read may have told otherwise
	}
	// A role that is held directly may stand in two lists.
	var parts []string
	for what, n := range map[string]int{"holds a directory role": roles, "may activate a directory role": len(eligible), "is a member of a group that can hold directory roles": groups,
		"may become a member of a group that can hold directory roles": joinable, "is a member of a group whose properties Graph hides from the worker, and which may hold directory roles": hidden} {
		if n > 0 {
			parts = append(parts, what)
		}
	}
	slices.Sort(parts)
	return cmp.Or(a.guards.Privileged, leaver.GuardApproval), "the user " + strings.Join(parts, ", "), nil
}

// activatableGroups counts the groups that can hold directory roles of which the leaver may become a member or an owner,
// by Privileged Identity Management. No list of memberships shows them.
func (a *Activities) activatableGroups(ctx context.Context, userID string) (n int, err error) {
	schedules, err := a.graph.GroupEligibilities(ctx, userID)
	if err != nil && !notLicensed(err) {
		return 0, err
	}
	for _, s := range schedules {
		group, err := a.graph.Group(ctx, s.GroupID)
		_, hidden := errors.AsType[*graph.HiddenError](err)
		switch {
		case notFound(err): // it was deleted, and its schedules are not yet
		case err != nil && !hidden:
			return 0, err
		case hidden || group.IsAssignableToRole:
			n++
		}
	}
	return n, nil
}

func (a *Activities) resourceAccount(ctx context.Context, l leaver.Leaver) (leaver.GuardResult, string, error) {
	if l.Deleted {
		return leaver.GuardClear, "", nil
	}
	switch purpose, err := a.graph.MailboxPurpose(ctx, l.ID); {
	case notFound(err): // in Graph's own words alone: a proxy's 404 says nothing
		return leaver.GuardClear, "", nil
	case err != nil:
		return "", "", err
	case slices.Contains([]string{"room", "equipment", "shared"}, purpose):
		return leaver.GuardApproval, "the account is that of a " + purpose + " mailbox, which many use", nil
	}
	return leaver.GuardClear, "", nil
}

// manyStarts counts the offboardings that began within the last hour, over all workers. Temporal's visibility may
// lag by seconds.
func (a *Activities) manyStarts(ctx context.Context) (leaver.GuardResult, string, error) {
	most := cmp.Or(a.guards.MaxStarts, defaultMaxStarts)
	if most < 0 {
		return leaver.GuardClear, "", nil
	}
	since := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	count, err := activity.GetClient(ctx).CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Query: fmt.Sprintf("WorkflowType = '%s' AND StartTime > '%s'", leaver.WorkflowType, since)})
	switch {
	case ctx.Err() != nil:
		return "", "", ctx.Err()
	case err != nil:
		return leaver.GuardNotChecked, "Temporal does not tell how many offboardings began within the last hour", nil
	case count.GetCount() > int64(most):
		return leaver.GuardApproval, fmt.Sprintf("%d offboardings began within an hour, and the worker expects %d at most", count.GetCount(), most), nil
	}
	return leaver.GuardClear, "", nil
}

const defaultMaxDevices, defaultMaxStarts = 20, 10

// guardDevices finds out about the dangers of the leaver's devices. Unread is why they could not be listed.
func (a *Activities) guardDevices(items []leaver.Item, unread error) []leaver.Guard {
	many, shared := leaver.Guard{Name: leaver.GuardManyDevices, Result: leaver.GuardClear}, leaver.Guard{Name: leaver.GuardSharedDevices, Result: leaver.GuardClear}
	if unread != nil {
		many.Result, many.Detail = leaver.GuardNotChecked, "the devices could not be read"
		shared.Result, shared.Detail = many.Result, many.Detail
		return []leaver.Guard{many, shared}
	}
	if most := cmp.Or(a.guards.MaxDevices, defaultMaxDevices); len(items) > most {
		many.Result, many.Detail = leaver.GuardApproval, fmt.Sprintf("the leaver has %d devices, and the worker expects %d at most", len(items), most)
	}
	isShared := func(i leaver.Item) bool {
		return slices.Contains([]leaver.Special{leaver.OtherUser, leaver.SharedDevice, leaver.EnrolmentManager}, i.Device.Special)
	}
	if n := len(slices.DeleteFunc(slices.Clone(items), func(i leaver.Item) bool { return !isShared(i) })); n > 0 {
		shared.Result, shared.Detail = leaver.GuardApproval, countDevices(n)+" that others may use: not asked until a person names them"
	}
	return []leaver.Guard{many, shared}
}

// judgePlan refuses a leaver whom a guard refuses, and says how many people must approve the plan.
func (a *Activities) judgePlan(plan *leaver.Plan, dryRun bool) error {
	var guarded, refused []string
	for _, g := range plan.Guards {
		switch {
		case g.Result == leaver.GuardApproval:
			guarded = append(guarded, g.Detail)
		case g.Result == leaver.GuardRefused:
			refused = append(refused, g.Detail)
		case g.Result == leaver.GuardNotChecked && a.guards.Strict:
			refused = append(refused, string(g.Name)+" could not be checked: "+g.Detail)
		}
	}
	if len(refused) > 0 && !dryRun {
		return errProtected(strings.Join(refused, "; "))
	}
	destroys := slices.ContainsFunc(plan.Steps, func(s leaver.Step) bool {
		return s.Skip == "" && (s.Destroys || s.Devices != nil && s.Devices.Policy.Destroys())
	})
	needed := false
	switch cmp.Or(a.guards.Approvals, ApproveGuarded) {
	case ApproveAlways:
		needed = true
	case ApproveDestructive:
		needed = destroys || len(guarded) > 0
	case ApproveGuarded:
		needed = len(guarded) > 0
	}
	if needed {
		plan.Approvals, plan.Signed = max(1, a.guards.Approvers), len(a.guards.AllowedSigners) > 0
	}
	return nil
}

// errProtected says why a leaver is not offboarded.
type errProtected string

func (e errProtected) Error() string { return string(e) }
