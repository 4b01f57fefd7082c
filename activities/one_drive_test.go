package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withDrive is Adele, who has a OneDrive, and Megan, her manager.
func withDrive(t *testing.T) *stage {
	t.Helper()
	s := set(t, []graphsim.User{{UserPrincipalName: megan, AccountEnabled: true, Holdings: graphsim.Holdings{Drive: &graphsim.Drive{ID: "b!megans"}}}})
	s.Add(graphsim.User{UserPrincipalName: adele, AccountEnabled: true, Holdings: graphsim.Holdings{ManagerID: s.id(megan), Drive: &graphsim.Drive{ID: "b!adeles"}}})
	return s
}

func (s *stage) shares() []graphsim.DrivePermission { return s.Users()[adele].Drive.Permissions }

func handOver(t *testing.T, s *stage, number int32) (leaver.StepResult, error) {
	t.Helper()
	return call[leaver.StepResult](t, s, number, leaver.ActivityHandOverOneDrive, leaver.StepRequest{UserID: s.id(adele)})
}

func TestTheSuccessorCanChangeTheOneDriveAndTheReportSaysUntilWhen(t *testing.T) {
	t.Parallel()
	s := withDrive(t)
	result, err := handOver(t, s, 1)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	for _, says := range []string{"neither its owner nor its site administrator", "permissions of its own", "no mail",
		"read-only from " + time.Now().UTC().AddDate(0, 0, 60).Format(time.DateOnly), "archived from " + time.Now().UTC().AddDate(0, 0, 93).Format(time.DateOnly), "deleted from", "30 days"} {
		assert.Contains(t, result.Detail, says)
	}
	assertNameless(t, s, result.Detail)
	require.Len(t, s.shares(), 1)
	given := s.shares()[0]
	assert.Equal(t, []any{s.id(megan), []string{"write"}}, []any{given.UserID, given.Roles})
	assert.Equal(t, []leaver.Item{{ID: given.ID, Kind: "permission", Outcome: leaver.Done, Before: map[string]string{"driveId": "b!adeles", "itemId": "01ROOT"}}}, result.Items)
	assert.Empty(t, s.Users()[megan].Drive.Permissions)

	again, err := handOver(t, s, 1)
	require.NoError(t, err)
	assert.Equal(t, leaver.AlreadyDone, again.Outcome)
	assert.Empty(t, again.Items, "undoing this run must not take an earlier permission away")
	assert.Len(t, s.writes(), 1)
}

func TestANextManagerWhoTakesTheOneDriveOverIsTold(t *testing.T) {
	t.Parallel()
	s := withDrive(t)
	s.Add(graphsim.User{UserPrincipalName: lee, AccountEnabled: true})
	s.Add(graphsim.User{ID: s.id(megan), UserPrincipalName: megan, Holdings: graphsim.Holdings{ManagerID: s.id(lee)}})
	result, err := handOver(t, s, 1)
	require.NoError(t, err)
	assert.Contains(t, result.Detail, "the next one above")
	assert.Equal(t, s.id(lee), s.shares()[0].UserID)
}

func TestAnInvitationWhoseAnswerWasLostIsDoneTheNextTime(t *testing.T) {
	t.Parallel()
	s := withDrive(t)
	s.Fail(graphsim.Fault{Method: "POST", Path: "/invite", Cut: true})
	waiting(t, s, errorOf(handOver(t, s, 1)), leaver.GraphUnavailable)
	result, err := handOver(t, s, 2)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Equal(t, s.shares()[0].ID, result.Items[0].ID)
	assert.Contains(t, result.Items[0].Detail, "or it is older")
	assert.Len(t, s.writes(), 1)
}

func TestAPermissionThatIsNotShownYetIsNotDone(t *testing.T) {
	t.Parallel()
	s := withDrive(t)
	s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	assert.Contains(t, waiting(t, s, errorOf(handOver(t, s, 1)), leaver.GraphUnavailable).Message(), "does not show it yet")
	s.Configure(graphsim.Settings{})
	result, err := handOver(t, s, 2)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
}

func TestAnInvitationThatDoesNothingIsNotDone(t *testing.T) {
	t.Parallel()
	for dead, code := range map[string]string{"silent": "", "accessDenied": "(accessDenied)"} {
		s := withDrive(t)
		s.Configure(graphsim.Settings{DeadInvitations: dead})
		waiting(t, s, errorOf(handOver(t, s, 1)), leaver.GraphBadRequest)
		var result leaver.StepResult
		err := attempt{number: 5, refused: 4}.run(t, s, leaver.ActivityHandOverOneDrive, leaver.StepRequest{UserID: s.id(adele)}, &result)
		says := final(t, s, err, leaver.GraphBadRequest).Message()
		assert.Contains(t, says, "site administrator")
		assert.Contains(t, says, code)
		assert.Empty(t, s.shares())
	}
}

func TestWhoHasNoOneDriveHasNothingToHandOver(t *testing.T) {
	t.Parallel()
	s := withDrive(t)
	s.change(func(user *graphsim.User) { user.Drive, user.ManagerID = nil, "" })
	result, err := handOver(t, s, 1)
	require.NoError(t, err)
	assert.Equal(t, leaver.Skipped, result.Outcome)
	assert.Contains(t, result.Detail, "none was ever made, or its licence has been taken away already")
	s.Fail(graphsim.Fault{Method: "GET", Path: "/drive", Status: 404, Code: "Request_ResourceNotFound", Message: "Resource does not exist."})
	waiting(t, s, errorOf(handOver(t, s, 1)), leaver.UserNotFound)
	assert.Empty(t, s.writes())
}

func TestAOneDriveIsNotHandedOverToNobodyNorAfterTheAccountIsDeleted(t *testing.T) {
	t.Parallel()
	s := withDrive(t)
	s.Fail(graphsim.Fault{Method: "POST", Path: "/invite", Status: 403, Code: "accessDenied", Message: "Access denied"})
	assert.Contains(t, final(t, s, errorOf(handOver(t, s, 1)), leaver.GraphForbidden).Message(), "Files.ReadWrite.All")
	s.change(func(user *graphsim.User) { user.ManagerID = "" })
	assert.Contains(t, final(t, s, errorOf(handOver(t, s, 1)), leaver.InvalidRequest).Message(), "no manager in Entra")
	s.change(func(user *graphsim.User) { user.Deleted = true })
	assert.Contains(t, final(t, s, errorOf(handOver(t, s, 1)), leaver.UserNotFound).Message(), "a SharePoint administrator can give access")
	for _, user := range s.Users() {
		assert.Empty(t, user.Drive.Permissions)
	}
}
