public interface IMaker { int Make(); }

public class ArrayMaker : IMaker
{
    public int Make() { return new int[4].Length; }

    public int NotCalled() { return new int[5].Length; }
}

public class Loop
{
    private readonly IMaker maker = new ArrayMaker();
    private object last;

    public void OnSample(int value)
    {
        last = new object();
        Keep(value + maker.Make());
    }

    private void Keep(int value)
    {
        last = value;
        last.GetHashCode();
    }
}
