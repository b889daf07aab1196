using System.Collections.Concurrent;
using System.Device.Gpio;

namespace FedIoT.Station.Tests;

/// <summary>Pins in memory; a pin can fail. Thread-safe: the daemon's own task drives it beside the test.</summary>
internal sealed class FakePins : GpioDriver
{
    private readonly ConcurrentDictionary<int, PinMode> modes = [];
    private readonly ConcurrentQueue<(int Pin, bool IsHigh)> writes = [];
    private readonly ConcurrentDictionary<int, int> reads = [];

    public ConcurrentDictionary<int, PinValue> Levels { get; } = [];

    public ConcurrentDictionary<int, bool> Broken { get; } = [];

    /// <summary>The newest values that were written to a pin, oldest first.</summary>
    public bool[] LastWrites(int pin, int count) =>
        [.. writes.Where(w => w.Pin == pin).Select(w => w.IsHigh).TakeLast(count)];

    /// <summary>How often a pin was looked at.</summary>
    public int ReadsOf(int pin) => reads.GetValueOrDefault(pin);

    protected override int PinCount => 28;

    protected override void OpenPin(int pinNumber) => Require(pinNumber);

    protected override void ClosePin(int pinNumber) => modes.TryRemove(pinNumber, out _);

    protected override void SetPinMode(int pinNumber, PinMode mode)
    {
        Require(pinNumber);
        modes[pinNumber] = mode;
    }

    protected override PinMode GetPinMode(int pinNumber) => modes[pinNumber];

    protected override bool IsPinModeSupported(int pinNumber, PinMode mode) => true;

    protected override PinValue Read(int pinNumber)
    {
        Require(pinNumber);
        reads.AddOrUpdate(pinNumber, 1, (_, n) => n + 1);
        return Levels.GetValueOrDefault(pinNumber, PinValue.Low);
    }

    protected override void Write(int pinNumber, PinValue value)
    {
        Require(pinNumber);
        Levels[pinNumber] = value;
        writes.Enqueue((pinNumber, value == PinValue.High));
    }

    protected override WaitForEventResult WaitForEvent(
        int pinNumber, PinEventTypes eventTypes, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    protected override void AddCallbackForPinValueChangedEvent(
        int pinNumber, PinEventTypes eventTypes, PinChangeEventHandler callback) => throw new NotSupportedException();

    protected override void RemoveCallbackForPinValueChangedEvent(int pinNumber, PinChangeEventHandler callback) =>
        throw new NotSupportedException();

    private void Require(int pin)
    {
        if (Broken.ContainsKey(pin))
        {
            throw new IOException($"pin {pin} is broken");
        }
    }
}
