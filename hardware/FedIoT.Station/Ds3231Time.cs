namespace FedIoT.Station;

/// <summary>The time registers of a DS3231 (data sheet 19-5170, figure 1): binary-coded decimals, 24-hour
/// mode.</summary>
public static class Ds3231Time
{
    /// <summary>Registers 0x00-0x06, then 0x0E and 0x0F are what is read.</summary>
    public const int Bytes = 7;

    private const byte CenturyBit = 0x80;
    private const byte TwelveHourBit = 0x40;

    /// <summary>Reads the seven registers; false when they hold no time.</summary>
    /// <param name="registers">0x00 seconds, minutes, hours, weekday, date, month with century, year.</param>
    /// <param name="time">Coordinated universal time, years 2000-2199.</param>
    public static bool TryDecode(ReadOnlySpan<byte> registers, out DateTimeOffset time)
    {
        time = default;
        if (registers.Length != Bytes
            || !TryNumber(registers[0], 59, out int second)
            || !TryNumber(registers[1], 59, out int minute)
            || (registers[2] & TwelveHourBit) != 0
            || !TryNumber(registers[2], 23, out int hour)
            || !TryNumber(registers[4], 31, out int day)
            || !TryNumber((byte)(registers[5] & ~CenturyBit), 12, out int month)
            || !TryNumber(registers[6], 99, out int year))
        {
            return false;
        }

        year += (registers[5] & CenturyBit) != 0 ? 2100 : 2000;
        if (month == 0 || day == 0 || day > DateTime.DaysInMonth(year, month))
        {
            return false;
        }

        time = new DateTimeOffset(year, month, day, hour, minute, second, TimeSpan.Zero);
        return true;
    }

    /// <summary>Writes the seven registers.</summary>
    /// <param name="time">Years 2000-2199.</param>
    /// <param name="registers">Receives seven bytes.</param>
    public static void Encode(DateTimeOffset time, Span<byte> registers)
    {
        DateTime utc = time.UtcDateTime;
        ArgumentOutOfRangeException.ThrowIfLessThan(utc.Year, 2000, nameof(time));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(utc.Year, 2199, nameof(time));
        registers[0] = Decimal(utc.Second);
        registers[1] = Decimal(utc.Minute);
        registers[2] = Decimal(utc.Hour);
        registers[3] = (byte)((int)utc.DayOfWeek + 1);
        registers[4] = Decimal(utc.Day);
        registers[5] = (byte)(Decimal(utc.Month) | (utc.Year >= 2100 ? CenturyBit : 0));
        registers[6] = Decimal(utc.Year % 100);
    }

    private static byte Decimal(int value) => (byte)((value / 10 << 4) | (value % 10));

    private static bool TryNumber(byte coded, int max, out int value)
    {
        value = ((coded >> 4) * 10) + (coded & 0x0F);
        return (coded & 0x0F) <= 9 && value <= max;
    }
}
