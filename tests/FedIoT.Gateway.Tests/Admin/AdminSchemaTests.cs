using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FedIoT.Gateway.Admin;
using Xunit;

namespace FedIoT.Gateway.Tests.Admin;

/// <summary>
/// The members of every answer of the admin API. Scripts depend on them: a member may be added, here too; to rename or
/// drop one takes a new schema number.
/// </summary>
public sealed class AdminSchemaTests
{
    private const string Pinned =
        """
        fediot.block/1: schema height time hash previousHash stateRoot validatorsHash proposer
            commitRound commitSignatures bytes transactions[hash type signer nonce bytes result]
        fediot.blocks/1: blocks[height time hash proposer transactions bytes] firstHeight schema
        fediot.chain-status/1: schema chainId genesisHash account height firstHeight blockHash blockTime stateRoot
            validators peersConnected transactionsWaiting bytesSent bytesReceived finalityMsP50
            finalityMsP99 problem
        fediot.enrolment/1: device keyIsProved schema
        fediot.evidence/1: evidence[kind account height task round hash offenceHeight messages slashed] schema
        fediot.log/1: lines[] schema
        fediot.model/1: task name version hash round height deltas fileHash file schema
        fediot.node-keys/1: schema account key algorithm keySince rotations signsWith nextKey height phase
            advice
        fediot.peers/1: connected peers[account address state standing direction connectedSince height
            bytesReceived bytesSent lastReason lastReasonAt bannedSeconds] schema
        fediot.problem/1: problem schema
        fediot.station/1: schema parts[] problems[] caseOpenedAt signingIsLocked joinWindowSeconds
            presented[] timeSource time
        fediot.status/1: schema state reasons[] notes[] version processId uptimeSeconds account chainId height
            blockTime peersConnected peersConfigured chainListen mqttListen
            signer{state fault reason algorithm since countsLeft}
            nextSigner{state fault reason algorithm since countsLeft}
            trainingSigner{state fault reason algorithm since countsLeft} isRegistered devices
            framesAcknowledged framesStored framesRejected framesRejectedBy{reason: count} connectionsRefused
            connectionsRefusedBy{reason: count} tasksRunning
            transactionsWaiting stateFreeBytes caseOpenedAt signingIsLocked joinWindowSeconds timeSource
        fediot.submitted/1: hash account schema
        fediot.task-accepted/1: id name schema
        fediot.task/1: schema id name phase round rounds rule byzantinePermille phaseBlocksMax classes[]
            featuresHash parameters waitingFor[] versions[number hash round height deltas]
        fediot.tasks/1: tasks[id name phase round rounds modelVersion waitingFor] schema
        fediot.transaction-accepted/1: hash schema
        fediot.transaction/1: hash height position type signer nonce bytes result schema
        fediot.validators/1: validators[account algorithm power nextPower stake points strikes isSelf]
            schema
        """;

    [Fact]
    public void Members_OfEverySchema_AreThePinnedOnes()
    {
        IEnumerable<string> lines = typeof(AdminJson).Assembly.GetTypes()
            .Where(t => t.Namespace == typeof(AdminJson).Namespace && t.GetField("SchemaName") is not null)
            .Select(t => $"{t.GetField("SchemaName")!.GetValue(null)}: {Members(t)}")
            .Order(StringComparer.Ordinal);
        string pinned = Pinned.ReplaceLineEndings("\n").Replace("\n    ", " ", StringComparison.Ordinal);
        Assert.Equal(pinned, string.Join('\n', lines));
    }

    [Fact]
    public void Answer_NamesItsSchema()
    {
        string json = JsonSerializer.Serialize(new ProblemAnswer("why"), AdminJson.Default.ProblemAnswer);
        Assert.Equal("""{"problem":"why","schema":"fediot.problem/1"}""", json);
    }

    private static string Members(Type type) => string.Join(
        ' ', AdminJson.Default.GetTypeInfo(type)!.Properties.Select(p => p.Name + Elements(p)));

    private static string Elements(JsonPropertyInfo property)
    {
        Type type = property.PropertyType;
        if (type == typeof(IReadOnlyDictionary<string, long>))
        {
            return "{reason: count}";
        }

        Type? element = type.IsGenericType && Nullable.GetUnderlyingType(type) is null
            ? type.GetGenericArguments()[0] : null;
        return element is not null ? (element == typeof(string) ? "[]" : $"[{Members(element)}]")
            : type.Namespace == typeof(AdminJson).Namespace ? $"{{{Members(type)}}}"
            : string.Empty;
    }
}
