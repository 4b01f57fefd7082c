package leaver_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestARequestNeedsOnlyTheUser(t *testing.T) {
	t.Parallel()
	for _, id := range []string{
		"adele@contoso.com",
		"8f3c6a52-0c1e-4f0e-9b7e-0d7f5c3a1b2d",
		"adele_example.com#EXT#@contoso.onmicrosoft.com",
		"o'brien@contoso.com",
		"$service@contoso.com",
	} {
		request, err := leaver.ParseRequest([]byte(`{"userId":"` + id + `"}`))
		require.NoError(t, err)
		assert.Equal(t, id, request.UserID)
	}
}

func TestTheJustificationIsAsLongAsIntuneTakes(t *testing.T) {
	t.Parallel()
	request := leaver.Request{UserID: "adele@contoso.com", Reason: "leaves", Ticket: "HR-4711"}
	const whole = "Offboarding of a leaver: leaves (ticket HR-4711)"
	assert.Equal(t, whole, request.Justification())
	request.Reason = "leaves" + strings.Repeat("ä", 1024-len(whole))
	for _, more := range []string{"", "ä"} {
		request.Reason += more
		input, err := json.Marshal(request)
		require.NoError(t, err)
		_, err = leaver.ParseRequest(input)
		assert.Equal(t, more == "", err == nil, err)
	}
}

func TestABadRequestNamesTheField(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]string{
		``:                      "userId: is missing",
		`null`:                  "userId: is missing",
		`{}`:                    "userId: is missing",
		`{"userId":""}`:         "userId: is missing",
		`{"userId":null}`:       "userId: is missing",
		`{"userId":"a/b"}`:      "userId: must not contain '/'",
		`{"userId":"a\\b"}`:     `userId: must not contain '\\'`,
		`{"userId":"a?b"}`:      "userId: must not contain '?'",
		`{"userId":".."}`:       "userId: must not be a relative path",
		`{"userId":"a\u0007b"}`: "userId: must not contain white space or control characters (U+0007)",
		`{"userId":"a b"}`:      "userId: must not contain white space or control characters (U+0020)",
		`{"userId":"a\u200bb"}`: "userId: must not contain white space or control characters (U+200B)",
		`{"userId":"` + strings.Repeat("a", 257) + `"}`: "userId: is longer than 256 characters",
		`{"userId":7}`:                                                                                       "userId: has the wrong type (number)",
		`{"userId":["a"]}`:                                                                                   "userId: has the wrong type (array)",
		`{"userID":"a@contoso.com"}`:                                                                         "userID: unknown field",
		`{"userId":"a@contoso.com","user":"b"}`:                                                              "user: unknown field",
		`{"userId":"a@contoso.com","userId":"b@contoso.com"}`:                                                "userId: is given twice",
		`{"userId":"a@contoso.com","onFailure":"stop"}`:                                                      "onFailure: want ask, continue or fail",
		`{"userId":"a@contoso.com","dryRun":"yes"}`:                                                          "dryRun: has the wrong type (string)",
		`{"userId":"a@contoso.com","deviceDeadline":"30 days"}`:                                              `deviceDeadline: want a duration such as "90s" or "720h"`,
		`{"userId":"a@contoso.com","deviceDeadline":720}`:                                                    "deviceDeadline: ",
		`{"userId":"a@contoso.com","deviceDeadline":"-1h"}`:                                                  "deviceDeadline: is -1h0m0s",
		`{"userId":"a@contoso.com","steps":{"x":{"onFailure":"no"}}}`:                                        "steps.x.onFailure: want ask, continue or fail",
		`{"userId":"a@contoso.com","steps":{"x":{"skipped":true}}}`:                                          "steps.x.skipped: unknown field",
		`{"userId":"a@contoso.com","reason":"` + strings.Repeat("ä", 1025) + `"}`:                            "reason: is 1025 characters long, want at most 1024",
		`{"userId":"a@contoso.com","ticket":"` + strings.Repeat("ä", 1025) + `"}`:                            "ticket: is 1025 characters long, want at most 1024",
		`{"userId":"a@contoso.com","reason":"` + strings.Repeat("ä", 1000) + `"}`:                            "reason, ticket: are 1 characters too long together: Intune takes 1024",
		`{"userId":"a@contoso.com","deviceDeadline":"87601h"}`:                                               "deviceDeadline: is 87601h0m0s, want at most 87600h0m0s",
		`{"userId":"a@contoso.com","steps":{"x":{"skip":true,"include":true}}}`:                              "steps.x: skip and include exclude each other",
		`{"userId":"a@contoso.com","steps":{"x":{"delay":"-1h"}}}`:                                           "steps.x.delay: is -1h0m0s, want at most",
		`{"userId":"a@contoso.com","steps":{"x":{"group":"Leavers"}}}`:                                       "steps.x.group: want the object id of a group",
		`{"userId":"a@contoso.com","steps":{"x":{"handOverTo":"../me"}}}`:                                    `steps.x.handOverTo: want the object id or user principal name of who takes over, or "manager"`,
		`{"userId":"a@contoso.com","handOverTo":"a b"}`:                                                      `handOverTo: want the object id or user principal name of who takes over, or "manager"`,
		`{"userId":"a@contoso.com","steps":{"x":{"attributes":[""]}}}`:                                       "steps.x.attributes: want names of properties of the user, such as jobTitle",
		`{"userId":"a@contoso.com","steps":{"x":{"externalMessage":"` + strings.Repeat("ä", 10_001) + `"}}}`: "steps.x.externalMessage: has 10001 characters, want at most 10000",
		`{"userId":"a@contoso.com"`:                                                                          "the input is not valid JSON",
		`{"userId":"a@contoso.com"} {}`:                                                                      "the input is not valid JSON",
		`"adele@contoso.com"`:                                                                                "the input must be one JSON object",
		`["adele@contoso.com"]`:                                                                              "the input must be one JSON object",
	} {
		_, err := leaver.ParseRequest([]byte(input))
		require.Error(t, err, input)
		assert.ErrorContains(t, err, want, input)
		assert.True(t, leaver.IsFailure(err, leaver.InvalidRequest), input)
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add([]byte(`{"userId":"adele@contoso.com","onFailure":"ask","steps":{"revokeSessions":{"skip":true}},"deviceDeadline":"720h"}`))
	f.Add([]byte(`{"userId":"..","userId":"a"}`))
	f.Fuzz(func(t *testing.T, input []byte) {
		request, err := leaver.ParseRequest(input)
		if err != nil {
			assert.True(t, leaver.IsFailure(err, leaver.InvalidRequest))
			return
		}
		assert.NoError(t, leaver.CheckUserID(request.UserID))
		assert.NotContains(t, request.UserID, "/")
	})
}
