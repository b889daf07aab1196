using System.Text.Json;
using FedIoT.Gateway.Board;
using FedIoT.Station;
using FedIoT.Wire;

namespace FedIoT.Gateway.Admin;

/// <summary>Answers about the gateway's own board, and the orders that it takes.</summary>
/// <param name="source">The running gateway.</param>
internal sealed class StationAnswers(AdminSource source)
{
    private GatewayBoard Board => source.Board;

    public StationAnswer Status()
    {
        StationOptions parts = source.Configuration.Station.Parts;
        return new StationAnswer
        {
            Parts =
            [
                .. Part("status light on GPIO", parts.LedPin), .. Part("lid switch on GPIO", parts.TamperPin),
                .. Part("join button on GPIO", parts.JoinPin), .. Part("clock chip on I2C bus", parts.ClockBus),
            ],
            Problems = Board.Reasons(),
            CaseOpenedAt = Board.CaseOpenedAt,
            SigningIsLocked = Board.SigningLock.Reason is not null,
            JoinWindowSeconds = (int)Math.Ceiling(Board.WindowLeft().TotalSeconds),
            Presented = Board.Join.Presented,
            TimeSource = Board.Time.IsBehind ? "chip" : "system",
            Time = Board.Time.GetUtcNow().ToUnixTimeMilliseconds(),
        };
    }

    /// <summary>Ends the alarm of an opened case.</summary>
    public StationAnswer ClearAlarm() => Board.TryClearAlarm(out string problem) ? Status() : throw Refused(problem);

    /// <summary>Sets the clock chip to the system's time.</summary>
    public StationAnswer SetClock() =>
        Board.TrySetClock(DateTimeOffset.FromUnixTimeMilliseconds(source.Node.Chain.Head.Time), out string problem)
            ? Status() : throw Refused(problem);

    /// <summary>Whether a device may be enrolled now.</summary>
    /// <param name="body">The question as JSON.</param>
    public EnrolmentAnswer AllowEnrolment(ReadOnlySpan<byte> body)
    {
        EnrolmentQuestion? question;
        try
        {
            question = JsonSerializer.Deserialize(body, AdminJson.Default.EnrolmentQuestion);
        }
        catch (JsonException)
        {
            question = null; // the text of the exception quotes the body, which holds a password
        }

        if (question is null || !DeviceId.IsValid(question.Device)) // the name goes into the audit log
        {
            throw new AdminProblemException(400, "the body is not {\"device\": ..., \"password\": ...}");
        }

        return Board.TryAllowEnrolment(question.Device, question.Password, out string problem)
            ? new EnrolmentAnswer(question.Device, question.Password is not null) : throw Refused(problem);
    }

    private static AdminProblemException Refused(string problem) => new(409, problem);

    private static IEnumerable<string> Part(string what, int? number) => number is { } n ? [$"{what} {n}"] : [];
}
