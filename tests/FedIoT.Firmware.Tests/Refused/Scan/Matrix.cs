public class Matrix { public int[,] Values; }
