package graph

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestANumbersTypeIsWrittenAsTheWriteWantsIt(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"value":[{"id":"n1","telephoneNumber":"+15550100","numberType":"DirectRouting","assignmentTargetId":"`+userID+`"},
		{"id":"n2","telephoneNumber":"+15550101","numberType":"callingPlan","assignmentTargetId":"`+otherwise+`"}]}`))
	numbers, err := client.PhoneNumbers(t.Context(), userID)
	require.NoError(t, err)
	assert.Equal(t, []PhoneNumber{{ID: "n1", Number: "+15550100", Type: "directRouting", AssignmentTargetID: userID}}, numbers, "the other is not the user's")
	assert.Equal(t, "assignmentTargetId eq '"+userID+"'", filter(t, s))

	_, client = serve(t, reply(http.StatusOK, `{"value":[{"id":"n1","telephoneNumber":"+15550100"}]}`))
	_, err = client.PhoneNumbers(t.Context(), userID)
	require.ErrorAs(t, err, new(*AnswerError))
}

func TestTheOperationThatTakesANumberAwayIsFoundByItsID(t *testing.T) {
	t.Parallel()
	for location, id := range map[string]string{
		"https://graph.microsoft.com/v1.0/admin/teams/telephoneNumberManagement/operations('VW5h-c3_N')": "VW5h-c3_N",
		"https://graph.microsoft.com/v1.0/admin/teams/telephoneNumberManagement/operations/VW5h":         "VW5h",
		"https://example.com/": "", "": "",
	} {
		s, client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusAccepted)
		})
		operation, err := client.UnassignPhoneNumber(t.Context(), "+15550100", "directRouting")
		require.NoError(t, err)
		assert.Equal(t, id, operation)
		assert.JSONEq(t, `{"telephoneNumber":"+15550100","numberType":"directRouting"}`, s.all()[0].body)
	}
}

func TestAnOperationHasFailedWhereOneOfItsNumbersHas(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]OperationStatus{
		`{"status":"running"}`: "running",
		`{"status":"succeeded","numbers":[{"status":"succeeded"}]}`: OperationSucceeded,
		`{"status":"succeeded","numbers":[{"status":"failed"}]}`:    OperationFailed,
		`{"status":"failed"}`: OperationFailed,
	} {
		_, client := serve(t, reply(http.StatusOK, body))
		status, err := client.PhoneNumberOperation(t.Context(), "o1")
		require.NoError(t, err)
		assert.Equal(t, want, status, body)
	}
	_, client := serve(t, reply(http.StatusOK, `{}`))
	_, err := client.PhoneNumberOperation(t.Context(), "o1")
	require.ErrorAs(t, err, new(*AnswerError))
}
