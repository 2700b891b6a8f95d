//! What of a table is compared where two servers have it: the columns of both, and the key that both have.

use super::table::Table;
use crate::{
    dialect::{Column, Compared, OtherTypes, is_bytes, is_long},
    model::HostName,
    proof::TableProblem,
};

impl Compared {
    /// Makes the comparison of a table on two sides.
    ///
    /// # Errors
    /// The difference, where one side has columns that the other has not.
    pub(crate) fn of(
        (here, source): (&HostName, &Table),
        (there, replica): (&HostName, &Table),
    ) -> Result<Self, TableProblem> {
        let lacks = |table: &Table, other: &Table, host: &HostName| {
            let names: Vec<String> =
                other.columns.iter().map(|c| c.name.clone()).filter(|n| table.column(n).is_none()).collect();
            (!names.is_empty()).then(|| TableProblem::Columns { host: host.clone(), names })
        };
        let missing = lacks(replica, source, there).or_else(|| lacks(source, replica, here));
        if let Some(missing) = missing {
            return Err(missing);
        }
        let mut notes = Vec::new();
        let mut columns = Vec::new();
        for column in &source.columns {
            let Some(other) = replica.column(&column.name) else { continue };
            let differs = column.character_set != other.character_set;
            let convert = differs && column.character_set.is_some() && other.character_set.is_some();
            if column.column_type != other.column_type || differs {
                let (source, replica) = (described(column), described(other));
                notes.push(OtherTypes { column: column.name.clone(), source, replica });
            }
            // Where one side may have NULL, both are asked for it.
            let nullable = column.nullable || other.nullable;
            let mut column = Column { nullable, ..column.clone() };
            // Bytes here and a text there are the same bytes at best: both are taken as what has neither a character
            // set nor an order.
            if is_bytes(&column) && other.character_set.is_some() {
                column.data_type = "blob".to_owned();
            }
            columns.push((column, convert));
        }
        let (index, mut key) = source.key.clone().unwrap_or_default();
        // A text in two character sets has two orders, and so have a text and bytes.
        let unordered = |(c, convert): &(Column, bool)| *convert || is_long(c);
        if columns.iter().any(|c| unordered(c) && key.contains(&c.0.name)) {
            key.clear();
        }
        let same_index = replica.key.as_ref().is_some_and(|(name, _)| *name == index);
        Ok(Self { columns, key, primary: same_index && index == "PRIMARY", notes })
    }

    /// Makes it fit for a third side, which is compared at the same time.
    pub(crate) fn also_for(&mut self, other: &Self) {
        for ((column, convert), (also, also_convert)) in self.columns.iter_mut().zip(&other.columns) {
            *convert |= also_convert;
            column.nullable |= also.nullable;
            if is_long(also) {
                column.data_type.clone_from(&also.data_type);
            }
        }
        if other.key.is_empty() {
            self.key.clear();
        }
        self.primary &= other.primary;
    }
}

fn described(column: &Column) -> String {
    match &column.character_set {
        Some(set) => format!("{} in {set}", column.column_type),
        None => column.column_type.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(data_type: &str, character_set: Option<&str>, key: &str) -> Table {
        let column = |name: &str, data_type: &str, character_set: Option<&str>| Column {
            name: name.into(),
            data_type: data_type.into(),
            column_type: data_type.into(),
            bytes: 20,
            character_set: character_set.map(str::to_owned),
            ..Column::default()
        };
        Table {
            columns: vec![column("id", "int", None), column("v", data_type, character_set)],
            key: Some(("PRIMARY".into(), vec![key.into()])),
            ..Table::default()
        }
    }

    #[test]
    fn bytes_that_are_a_text_elsewhere_are_compared_as_bytes() {
        let (a, b) = (HostName::new("db-a"), HostName::new("db-b"));
        let of =
            |here: &Table, there: &Table| Compared::of((&a, here), (&b, there)).expect("the same columns");
        let (bytes, text) = (table("varbinary", None, "id"), table("varchar", Some("latin1"), "id"));
        assert!(of(&bytes, &bytes).row().contains("LENGTH(`v`), `v`)"));
        let mixed = of(&bytes, &text);
        assert!(mixed.row().contains("SHA2(CAST(`v` AS BINARY), 256)"), "{}", mixed.row());
        assert_eq!(mixed.key, ["id"]);
        // For a third side too.
        let mut three = of(&bytes, &bytes);
        three.also_for(&mixed);
        assert_eq!(three.row(), mixed.row());
        let (bytes, text) = (table("varbinary", None, "v"), table("varchar", Some("latin1"), "v"));
        assert!(of(&bytes, &text).key.is_empty());
        assert_eq!(of(&bytes, &bytes).key, ["v"]);
    }
}
