package activities_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/activities"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const group = "0e1f0000-0000-4000-8000-000000000001"

func guardOf(t *testing.T, plan leaver.Plan, name leaver.GuardName) leaver.Guard {
	t.Helper()
	for _, g := range plan.Guards {
		if g.Name == name {
			return g
		}
	}
	t.Fatalf("the plan has no guard %s", name)
	return leaver.Guard{}
}

// heldRoles are active directory roles.
func heldRoles(n int) (roles []graphsim.Role) {
	for i := range n {
		roles = append(roles, graphsim.Role{ID: fmt.Sprint("r", i)})
	}
	return roles
}

func TestEachGuardFindsItsDanger(t *testing.T) {
	t.Parallel()
	table(t, map[string]struct {
		guards activities.Guards
		user   func(u *graphsim.User)
		name   leaver.GuardName
		want   leaver.GuardResult
		says   string
	}{
		"a directory role":                       {activities.Guards{}, func(u *graphsim.User) { u.Roles = heldRoles(2) }, leaver.GuardPrivilegedUser, leaver.GuardApproval, "the user holds a directory role"},
		"a directory role, by configuration":     {activities.Guards{Privileged: leaver.GuardRefused}, func(u *graphsim.User) { u.Roles = heldRoles(2) }, leaver.GuardPrivilegedUser, leaver.GuardRefused, "holds a directory role"},
		"a directory role that nobody minds":     {activities.Guards{Privileged: leaver.GuardClear}, func(u *graphsim.User) { u.Roles = heldRoles(2) }, leaver.GuardPrivilegedUser, leaver.GuardClear, ""},
		"a role that may be activated":           {activities.Guards{}, func(u *graphsim.User) { u.Roles = []graphsim.Role{{ID: "e1", Eligible: true}} }, leaver.GuardPrivilegedUser, leaver.GuardApproval, "may activate a directory role"},
		"a role by a group":                      {activities.Guards{}, func(u *graphsim.User) { u.Memberships = []graphsim.Membership{{ID: group, Role: true}} }, leaver.GuardPrivilegedUser, leaver.GuardApproval, "holds a directory role"},
		"a group that can hold roles":            {activities.Guards{}, func(u *graphsim.User) { u.Memberships = []graphsim.Membership{{ID: group, IsAssignableToRole: true}} }, leaver.GuardPrivilegedUser, leaver.GuardApproval, "a group that can hold directory roles"},
		"a group that cannot":                    {activities.Guards{}, func(u *graphsim.User) { u.Memberships = []graphsim.Membership{{ID: group, Name: "Sales"}} }, leaver.GuardPrivilegedUser, leaver.GuardClear, ""},
		"a group that Graph hides":               {activities.Guards{}, func(u *graphsim.User) { u.Memberships = []graphsim.Membership{{ID: group}} }, leaver.GuardPrivilegedUser, leaver.GuardApproval, "a group whose properties Graph hides"},
		"a protected group":                      {activities.Guards{ProtectedGroups: []string{group}}, func(u *graphsim.User) { u.Memberships = []graphsim.Membership{{ID: group, Name: "Board"}} }, leaver.GuardProtectedUser, leaver.GuardRefused, "a group that the worker's configuration protects"},
		"a protected group, without dashes":      {activities.Guards{ProtectedGroups: []string{strings.ReplaceAll(group, "-", "")}}, func(u *graphsim.User) { u.Memberships = []graphsim.Membership{{ID: group, Name: "Board"}} }, leaver.GuardProtectedUser, leaver.GuardRefused, "a group that the worker's configuration protects"},
		"a protected group, in braces":           {activities.Guards{ProtectedGroups: []string{"{" + group + "}"}}, func(u *graphsim.User) { u.Memberships = []graphsim.Membership{{ID: group, Name: "Board"}} }, leaver.GuardProtectedUser, leaver.GuardRefused, "a group that the worker's configuration protects"},
		"a protected id, in braces":              {activities.Guards{ProtectedUsers: []string{"{" + group + "}"}}, func(u *graphsim.User) { u.ID = group }, leaver.GuardProtectedUser, leaver.GuardRefused, "protects this user"},
		"a protected group of others":            {activities.Guards{ProtectedGroups: []string{group}}, func(*graphsim.User) {}, leaver.GuardProtectedUser, leaver.GuardClear, ""},
		"a protected name":                       {activities.Guards{ProtectedUsers: []string{"ADELE@contoso.com"}}, func(*graphsim.User) {}, leaver.GuardProtectedUser, leaver.GuardRefused, "protects this user"},
		"a room":                                 {activities.Guards{}, func(u *graphsim.User) { u.MailboxPurpose = "room" }, leaver.GuardResourceAccount, leaver.GuardApproval, "a room mailbox"},
		"a person's mailbox":                     {activities.Guards{}, func(u *graphsim.User) { u.MailboxPurpose = "user" }, leaver.GuardResourceAccount, leaver.GuardClear, ""},
		"more devices than people have":          {activities.Guards{MaxDevices: 1}, func(*graphsim.User) {}, leaver.GuardManyDevices, leaver.GuardApproval, "the leaver has 2 devices, and the worker expects 1 at most"},
		"as many devices as are expected":        {activities.Guards{MaxDevices: 2}, func(*graphsim.User) {}, leaver.GuardManyDevices, leaver.GuardClear, ""},
		"an enrolment manager's device":          {activities.Guards{}, func(u *graphsim.User) { u.Devices[0].EnrollmentType = "deviceEnrollmentManager" }, leaver.GuardSharedDevices, leaver.GuardApproval, "1 device that others may use"},
		"a device that is shared by its kind":    {activities.Guards{}, func(u *graphsim.User) { u.Devices[1].EnrollmentType = "windowsBulkUserless" }, leaver.GuardSharedDevices, leaver.GuardApproval, "1 device that others may use"},
		"a device that somebody else uses":       {activities.Guards{}, func(u *graphsim.User) { u.Devices[1].UserPrincipalName = megan }, leaver.GuardSharedDevices, leaver.GuardApproval, "1 device that others may use"},
		"an account that is deleted has no role": {activities.Guards{}, func(u *graphsim.User) { u.Roles, u.Deleted = heldRoles(1), true }, leaver.GuardPrivilegedUser, leaver.GuardClear, ""},
	}, func(t *testing.T, c struct {
		guards activities.Guards
		user   func(u *graphsim.User)
		name   leaver.GuardName
		want   leaver.GuardResult
		says   string
	}) {
		c.guards.MaxStarts, c.guards.AllowOthers = -1, true
		s := set(t, withDevices(never, never), func(config *plugin.Config) { config.Guards = c.guards })
		user := s.Users()[adele]
		c.user(&user)
		s.Add(user)
		// By the id: who has another one is another user of the same name.
		request := leaver.Request{UserID: user.ID, DryRun: true}
		plan := planFor(t, s, request)
		found := guardOf(t, plan, c.name)
		assert.Equal(t, c.want, found.Result)
		if c.says == "" {
			assert.Empty(t, found.Detail)
		}
		assert.Contains(t, found.Detail, c.says)
		assertNameless(t, s, found.Detail)
		assert.Equal(t, map[leaver.GuardResult]int{leaver.GuardApproval: 1}[c.want], plan.Approvals)

		request.DryRun = false
		_, err := call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, request)
		if c.want == leaver.GuardRefused {
			assert.Contains(t, final(t, s, err, leaver.ProtectedUser).Message(), c.says)
		} else {
			require.NoError(t, err)
		}
		assert.Empty(t, s.writes())
	})
}

// A membership that may be activated is in no list of memberships.
func TestWhoMayJoinAGroupThatCanHoldRolesIsPrivileged(t *testing.T) {
	t.Parallel()
	for assignable, want := range map[bool]leaver.GuardResult{true: leaver.GuardApproval, false: leaver.GuardClear} {
		s := set(t, withDevices(never))
		id := s.AddGroup(graphsim.Group{DisplayName: "Admins", SecurityEnabled: true, IsAssignableToRole: assignable})
		s.change(func(u *graphsim.User) { u.GroupSchedules = []graphsim.GroupSchedule{{GroupID: id}} })
		found := guardOf(t, planFor(t, s, leaver.Request{UserID: adele, DryRun: true}), leaver.GuardPrivilegedUser)
		assert.Equal(t, want, found.Result)
		if assignable {
			assert.Contains(t, found.Detail, "the user may become a member of a group that can hold directory roles")
		}
		s.Fail(graphsim.Fault{Path: "/eligibilitySchedules", Status: 403, Code: "Authorization_RequestDenied", Times: -1})
		found = guardOf(t, planFor(t, s, leaver.Request{UserID: adele, DryRun: true}), leaver.GuardPrivilegedUser)
		assert.Equal(t, leaver.GuardNotChecked, found.Result)
		assert.Contains(t, found.Detail, "PrivilegedEligibilitySchedule.Read.AzureADGroup")
	}
}

// What the application may not read is said, with the permission.
func TestAGuardThatCannotReadSaysSo(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		s := set(t, withDevices(never), func(c *plugin.Config) {
			c.Guards = activities.Guards{MaxStarts: -1, AllowOthers: true, Strict: strict, ProtectedGroups: []string{group}}
		})
		for _, path := range []string{"/transitiveMemberOf", "/mailboxSettings"} {
			s.Fail(graphsim.Fault{Path: path, Status: 403, Code: "Authorization_RequestDenied", Message: "Insufficient privileges to complete the operation.", Times: -1})
		}
		plan := planFor(t, s, leaver.Request{UserID: adele, DryRun: true})
		for name, permission := range map[leaver.GuardName]string{leaver.GuardProtectedUser: "Directory.Read.All", leaver.GuardPrivilegedUser: "Directory.Read.All", leaver.GuardResourceAccount: "MailboxSettings.Read"} {
			assert.Equal(t, leaver.GuardNotChecked, guardOf(t, plan, name).Result, name)
			assert.Contains(t, guardOf(t, plan, name).Detail, permission)
		}
		assert.Zero(t, plan.Approvals)
		_, err := call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, leaver.Request{UserID: adele})
		if strict {
			assert.Contains(t, final(t, s, err, leaver.ProtectedUser).Message(), "protectedUser could not be checked")
		} else {
			require.NoError(t, err)
		}
	}
}

// One list of three tells enough; without it the others do not.
func TestOneListOfRolesIsEnough(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	s.Fail(graphsim.Fault{Path: "/roleEligibilitySchedules", Status: 400, Code: "AadPremiumLicenseRequired", Message: "The tenant needs to have Microsoft Entra ID P2.", Times: -1})
	assert.Equal(t, leaver.GuardClear, guardOf(t, planFor(t, s, leaver.Request{UserID: adele}), leaver.GuardPrivilegedUser).Result, "without the licence nobody is eligible")
	s.Fail(graphsim.Fault{Path: "/roleAssignments", Status: 403, Code: "Authorization_RequestDenied", Times: -1})
	assert.Equal(t, leaver.GuardNotChecked, guardOf(t, planFor(t, s, leaver.Request{UserID: adele}), leaver.GuardPrivilegedUser).Result)
	s.change(func(u *graphsim.User) { u.Memberships = []graphsim.Membership{{ID: group, Role: true}} })
	assert.Equal(t, leaver.GuardApproval, guardOf(t, planFor(t, s, leaver.Request{UserID: adele}), leaver.GuardPrivilegedUser).Result)
}

func TestWhatPassesIsWaitedForBeforeAPlanIsJudged(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	s.Fail(graphsim.Fault{Path: "/transitiveMemberOf", Status: 503, Times: 1})
	_, err := call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, leaver.Request{UserID: adele})
	waiting(t, s, err, leaver.GraphUnavailable)
	planFor(t, s, leaver.Request{UserID: adele})
}

func TestTheAccountThatTheWorkerSignsInAsIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*stage, *plugin.Config){
		"all steps":    func(s *stage, c *plugin.Config) { c.Credential = token(s.Token(graphsim.Delegated)) },
		"device steps": func(s *stage, c *plugin.Config) { c.DeviceCredential = token(s.Token(graphsim.Delegated)) },
	} {
		s := set(t, withDevices(never))
		s.change(func(u *graphsim.User) { u.ID = graphsim.SignedIn })
		change(s, &s.config)
		var err error
		s.offboarding, err = plugin.New(s.config)
		require.NoError(t, err)
		_, err = call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, leaver.Request{UserID: graphsim.SignedIn})
		assert.Contains(t, final(t, s, err, leaver.ProtectedUser).Message(), "the worker signs in as this user", name)
	}
}

func TestWhichPlansMustBeApproved(t *testing.T) {
	t.Parallel()
	wipe := &leaver.DevicePolicy{Company: leaver.DeviceActions{Windows: leaver.Wipe}}
	deletes := with(leaver.StepSettings{Include: true}, leaver.StepDeleteEntraDevices)
	for _, c := range []struct {
		rule    activities.ApprovalRule
		roles   int
		request leaver.Request
		want    int
	}{
		{"", 0, leaver.Request{UserID: adele, Devices: wipe}, 0},
		{"", 1, leaver.Request{UserID: adele}, 2},
		{activities.ApproveNever, 1, leaver.Request{UserID: adele, Devices: wipe}, 0},
		{activities.ApproveDestructive, 0, leaver.Request{UserID: adele}, 0},
		{activities.ApproveDestructive, 0, leaver.Request{UserID: adele, Devices: wipe}, 2},
		{activities.ApproveDestructive, 0, deletes, 2},
		{activities.ApproveDestructive, 1, leaver.Request{UserID: adele}, 2},
		{activities.ApproveAlways, 0, leaver.Request{UserID: adele}, 2},
	} {
		s := set(t, withDevices(never), func(config *plugin.Config) {
			config.Guards = activities.Guards{MaxStarts: -1, AllowOthers: true, Approvals: c.rule, Approvers: 2}
		})
		s.change(func(u *graphsim.User) { u.Roles = heldRoles(c.roles) })
		assert.Equal(t, c.want, planFor(t, s, c.request).Approvals, fmt.Sprintf("%+v", c))
	}
}

// A token that is opaque, and a credential that the plan has not needed, do not tell whose they are.
func TestThatNobodyKnowsWhomTheWorkerSignsInAsIsSaid(t *testing.T) {
	t.Parallel()
	opaque := func(s *stage) { s.Accept("opaque", graphsim.Delegated) }
	for name, change := range map[string]func(*plugin.Config){
		"opaque":   func(c *plugin.Config) { c.Credential = token("opaque") },
		"not used": func(c *plugin.Config) { c.DeviceCredential = token("opaque") },
	} {
		s := set(t, withDevices(never), change)
		opaque(s)
		request := leaver.Request{UserID: s.id(adele), DryRun: true, Steps: map[string]leaver.StepSettings{leaver.StepRemoveAllDevices: {Skip: true}}}
		assert.Equal(t, leaver.GuardNotChecked, guardOf(t, planFor(t, s, request), leaver.GuardOwnAccount).Result, name)
	}
	s := set(t, withDevices(never))
	assert.Equal(t, leaver.GuardClear, guardOf(t, planFor(t, s, leaver.Request{UserID: s.id(adele), DryRun: true}), leaver.GuardOwnAccount).Result)
}

// Exchange words its refusal as if it could pass. Neither that nor a refusal without a reason keeps the account open.
func TestAGuardThatIsRefusedEndsNoPlan(t *testing.T) {
	t.Parallel()
	request := func(s *stage) leaver.Request { return leaver.Request{UserID: s.id(adele)} }
	s := set(t, withDevices(never))
	s.Fail(graphsim.Fault{Method: "GET", Path: "/mailboxSettings", Status: 403, Code: "ErrorAccessDenied", Message: "Access is denied. Check credentials and try again.", Times: -1})
	found := guardOf(t, planFor(t, s, request(s)), leaver.GuardResourceAccount)
	assert.Equal(t, leaver.GuardNotChecked, found.Result)
	assert.Contains(t, found.Detail, "MailboxSettings.Read")

	for _, fault := range []graphsim.Fault{{Status: 403}, {Status: 404, HTML: true}} {
		s = set(t, withDevices(never))
		fault.Method, fault.Path, fault.Times = "GET", "/mailboxSettings", -1
		s.Fail(fault)
		_, err := call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, request(s))
		require.Error(t, err, "it may pass")
		var plan leaver.Plan
		require.NoError(t, attempt{number: 5, refused: 4}.run(t, s, leaver.ActivityPlanOffboarding, request(s), &plan))
		assert.Equal(t, leaver.GuardNotChecked, guardOf(t, plan, leaver.GuardResourceAccount).Result)
	}
}

// Exchange words a missing permission as if trying again would help; what never passes is no reason to leave the account
// open either.
func TestAGuardThatCannotReadForLongHoldsUpNoPlan(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	s.Fail(graphsim.Fault{Path: "/mailboxSettings", Status: 403, Code: "ErrorAccessDenied", Message: "Access is denied. Check credentials and try again.", Times: -1})
	plan := planFor(t, s, leaver.Request{UserID: adele})
	assert.Equal(t, leaver.GuardNotChecked, guardOf(t, plan, leaver.GuardResourceAccount).Result)
	assert.Contains(t, guardOf(t, plan, leaver.GuardResourceAccount).Detail, "MailboxSettings.Read")

	s.Heal()
	s.Fail(graphsim.Fault{Path: "/roleAssignments", Status: 400, Code: "UnknownError", Times: -1})
	_, err := call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, leaver.Request{UserID: adele})
	waiting(t, s, err, leaver.GraphBadRequest)
	plan, err = last[leaver.Plan](t, s, leaver.ActivityPlanOffboarding, leaver.Request{UserID: adele})
	require.NoError(t, err)
	assert.Equal(t, leaver.GuardNotChecked, guardOf(t, plan, leaver.GuardPrivilegedUser).Result)
}

// Two are to approve, and the file names one: plans would wait for ever.
func TestAsManyPeopleMayApproveAsMust(t *testing.T) {
	t.Parallel()
	signer := `it@contoso.com namespaces="%s" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl` + "\n"
	for namespace, approvers := range map[string]int{"leaver-approval@leaver.dev": 2, "git": 1} {
		_, err := plugin.New(plugin.Config{Credential: token("any"), Guards: activities.Guards{Approvers: approvers, AllowedSigners: fmt.Appendf(nil, signer, namespace)}})
		assert.ErrorContains(t, err, "no plan could ever be approved", namespace)
	}
	_, err := plugin.New(plugin.Config{Credential: token("any"), Guards: activities.Guards{AllowedSigners: fmt.Appendf(nil, signer, "leaver-approval@leaver.dev")}})
	require.NoError(t, err)
}
