package graph

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAOneDriveIsReadWithItsRoot(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"id":"b!x-1"}`))
	drive, err := client.DriveID(t.Context(), userID)
	require.NoError(t, err)
	assert.Equal(t, "b!x-1", drive)
	_, err = client.DriveRootID(t.Context(), drive)
	require.NoError(t, err)
	assert.Equal(t, "/graph/v1.0/users/"+userID+"/drive?$select=id", s.all()[0].target)
	assert.Equal(t, "/graph/v1.0/drives/b%21x-1/root?$select=id", s.all()[1].target)

	_, client = serve(t, reply(http.StatusOK, `{}`))
	_, err = client.DriveID(t.Context(), userID)
	require.ErrorAs(t, err, new(*AnswerError))
}

func TestAnInvitationIsToOneUserAndSendsNoMail(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"value":[{"id":"p1","roles":["write"],"grantedToV2":{"user":{"id":"`+userID+`"}}},{"error":{"code":"accessDenied"}}]}`))
	granted, err := client.InviteToDrive(t.Context(), "d1", "r1", userID)
	require.NoError(t, err)
	require.Len(t, granted, 2)
	assert.True(t, granted[0].LetsWrite(userID))
	assert.False(t, granted[0].LetsWrite(otherwise))
	assert.Equal(t, "accessDenied", granted[1].Error.Code)
	assert.Equal(t, "/graph/v1.0/drives/d1/items/r1/invite", s.all()[0].target)
	assert.JSONEq(t, `{"recipients":[{"objectId":"`+userID+`"}],"roles":["write"],"requireSignIn":true,"sendInvitation":false}`, s.all()[0].body)
}
